{#-
    Selects the decisions of people on links, from a seed and a table of the same columns, with their
    effect: "in force", "superseded", or why it has none.

    table: the name of the table, or none
    id: the column of what a contact is linked with
    linked: the relation that holds those ids; `what` is the word for one of them
-#}
{% macro checked_overrides(seed, table, id, linked, what) -%}
    with overrides as (
        {%- for kept_in, relation in [('seed', seed), ('table', table)] if relation %}
        {%- if not loop.first %}
        union all
        {%- endif %}
        select
            '{{ kept_in }}' as kept_in,
            trim(cast(contact_id as string)) as contact_id,
            trim(cast({{ id }} as string)) as {{ id }},
            lower(trim(decision)) as decision,
            author,
            reason,
            cast(decided_at as timestamp) as decided_at
        from {{ relation }}
        {%- endfor %}
    ),

    contacts as (
        select contact_id from {{ ref('stg_kananas__contacts') }}
    ),

    linked as (
        select {{ id }} from {{ linked }}
    ),

    checked as (
        select
            overrides.*,
            case
                when overrides.decision is null or overrides.decision not in ('force', 'forbid')
                    then 'unknown decision'
                when contacts.contact_id is null then 'no such contact'
                when linked.{{ id }} is null then 'no such {{ what }}'
            end as objection
        from overrides
        left join contacts on overrides.contact_id = contacts.contact_id
        left join linked on overrides.{{ id }} = linked.{{ id }}
    ),

    {#- The later decision about a pair counts; of two in the same moment, the one that links nothing. #}
    ranked_in_pair as (
        select
            *,
            row_number() over (
                partition by contact_id, {{ id }}, objection
                order by decided_at desc nulls last, decision asc, author asc, reason asc, kept_in asc
            ) as age_rank
        from checked
    ),

    {#- A contact has one link: of several that are forced, the one decided last. #}
    ranked_in_contact as (
        select
            *,
            row_number() over (
                partition by contact_id, objection, decision, age_rank
                order by decided_at desc nulls last, {{ id }} asc
            ) as decision_rank
        from ranked_in_pair
    )

    select
        kept_in,
        contact_id,
        {{ id }},
        decision,
        author,
        reason,
        decided_at,
        case
            when objection is not null then objection
            when age_rank > 1 or (decision = 'force' and decision_rank > 1) then 'superseded'
            else 'in force'
        end as effect
    from ranked_in_contact
{%- endmacro %}


{#-
    Selects what the rules decided, with what people decided beside it: `forced_<id>`; `is_forbidden`,
    where they ruled out what the rules would have taken or proposed, and nothing took its place; their
    `author` and `reason`; `is_agreed`, whether the rules' evidence is of the link that counts.
-#}
{% macro overridden_links(decided, scored, overrides, id) -%}
    with in_force as (
        select * from {{ overrides }}
        where effect = 'in force'
    ),

    forces as (
        select * from in_force
        where decision = 'force'
    ),

    ranked_forbids as (
        select
            in_force.contact_id,
            in_force.author,
            in_force.reason,
            row_number() over (
                partition by in_force.contact_id
                order by scored.score desc, in_force.{{ id }} asc
            ) as place
        from in_force
        inner join {{ scored }} as scored
            on
                in_force.contact_id = scored.contact_id
                and in_force.{{ id }} = scored.{{ id }}
        where in_force.decision = 'forbid' and scored.score >= {{ var('link_threshold') }}
    ),

    forbids as (
        select * from ranked_forbids
        where place = 1
    )

    select
        decided.*,
        forces.{{ id }} as forced_{{ id }},
        coalesce(forces.author, forbids.author) as author,
        coalesce(forces.reason, forbids.reason) as reason,
        forces.{{ id }} is null and decided.status = 'none' and forbids.contact_id is not null
            as is_forbidden,
        forces.{{ id }} is null or coalesce(decided.{{ id }} = forces.{{ id }}, false) as is_agreed
    from {{ decided }} as decided
    left join forces on decided.contact_id = forces.contact_id
    left join forbids on decided.contact_id = forbids.contact_id
{%- endmacro %}
