{#-
    Selects the decisions of people on links, from the decisions file, a seed and a table of the same
    columns, with their effect: "in force", "superseded", "taken back", or why it has none.

    kind: what the file calls decisions on these links
    table: the name of the table, or none
    id: the column of what a contact is linked with
    linked: the relation that holds those ids and `name`s; `what` is the word for one of them
-#}
{% macro checked_overrides(kind, seed, table, id, linked, name, what) -%}
    with overrides as (
        select
            'file' as kept_in,
            trim(contact_id) as contact_id,
            trim({{ id }}) as {{ id }},
            decision,
            author,
            reason,
            cast(decided_at as timestamp) as decided_at,
            sample,
            is_taken_back
        from {{ ref('int_decisions__file') }}
        where kind = '{{ kind }}' and coalesce(decision, '') not in ('later', 'none', 'unsure', 'undo')
        {%- for kept_in, relation in [('seed', seed), ('table', table)] if relation %}
        union all
        select
            '{{ kept_in }}' as kept_in,
            trim(cast(contact_id as string)) as contact_id,
            trim(cast({{ id }} as string)) as {{ id }},
            lower(trim(decision)) as decision,
            author,
            reason,
            cast(decided_at as timestamp) as decided_at,
            cast(null as string) as sample,
            false as is_taken_back
        from {{ relation }}
        {%- endfor %}
    ),

    contacts as (
        select
            contact_id,
            {{ person_name('contacts') }} as contact_name
        from {{ ref('stg_kananas__contacts') }} as contacts
    ),

    contact_names as (
        select distinct lower(trim(contact_name)) as folded_name from contacts
    ),

    linked as (
        select
            {{ id }},
            {{ name }} as linked_name
        from {{ linked }} as linked
    ),

    linked_names as (
        select distinct lower(trim(linked_name)) as folded_name from linked
    ),

    checked as (
        select
            overrides.*,
            case
                when overrides.is_taken_back then 'taken back'
                when overrides.decision is null or overrides.decision not in ('force', 'forbid')
                    then 'unknown decision'
                when contacts.contact_id is null and contact_names.folded_name is not null
                    then 'a name is no id of a contact'
                when linked.{{ id }} is null and linked_names.folded_name is not null
                    then 'a name is no id of a {{ what }}'
                when contacts.contact_id is null then 'no such contact'
                when linked.{{ id }} is null then 'no such {{ what }}'
            end as objection
        from overrides
        left join contacts on overrides.contact_id = contacts.contact_id
        left join linked on overrides.{{ id }} = linked.{{ id }}
        left join contact_names on lower(overrides.contact_id) = contact_names.folded_name
        left join linked_names on lower(overrides.{{ id }}) = linked_names.folded_name
    ),

    {#- The later decision about a pair counts; of two in the same moment, the one that links nothing. #}
    ranked_in_pair as (
        select
            *,
            row_number() over (
                partition by contact_id, {{ id }}, objection
                order by decided_at desc nulls last, decision asc, author asc, reason asc, kept_in asc
            ) as age_rank,
            max(sample) over (partition by contact_id, {{ id }}, objection) as sample_of_pair
        from checked
    ),

    {#-
        A contact has one link: of several that are forced, the one decided last. Where that was ruled
        out later, those before it stay replaced.
    #}
    ranked_in_contact as (
        select
            *,
            row_number() over (
                partition by contact_id, objection, decision
                order by decided_at desc nulls last, {{ id }} asc, age_rank asc
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
        sample_of_pair as sample,
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
    `author` and `reason`; `is_agreed`, whether the rules' evidence is of the link that counts. What a
    sample ruled out is still the proposal of the rules: they are measured by it.
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
    ),

    ruled_out as (
        select
            contact_id,
            {{ id }}
        from in_force
        where decision = 'forbid'
    )

    select
        decided.*,
        forces.{{ id }} as forced_{{ id }},
        coalesce(forces.author, forbids.author) as author,
        coalesce(forces.reason, forbids.reason) as reason,
        forces.{{ id }} is null
        and (
            ruled_out.contact_id is not null
            or (decided.status = 'none' and forbids.contact_id is not null)
        ) as is_forbidden,
        (forces.{{ id }} is null and ruled_out.contact_id is null)
        or coalesce(decided.{{ id }} = forces.{{ id }}, false) as is_agreed
    from {{ decided }} as decided
    left join forces on decided.contact_id = forces.contact_id
    left join forbids on decided.contact_id = forbids.contact_id
    left join ruled_out
        on decided.contact_id = ruled_out.contact_id and decided.{{ id }} = ruled_out.{{ id }}
{%- endmacro %}


{#- Selects each decision, what became of it, and the link that its contact has now. -#}
{% macro override_report(overrides, links, id) -%}
    select
        overrides.kept_in,
        overrides.contact_id,
        overrides.{{ id }},
        overrides.decision,
        overrides.author,
        overrides.reason,
        overrides.decided_at,
        overrides.effect,
        links.status as link_status,
        links.{{ id }} as linked_{{ id }}
    from {{ overrides }} as overrides
    left join {{ links }} as links on overrides.contact_id = links.contact_id
{%- endmacro %}


{#-
    A data test: the decisions of which the mistake is certain, `report` being their effects. Each is
    named, as a count would not say which line to mend.
-#}
{% macro wrong_overrides(report, id) -%}
    {%- set wrong -%}
        select kept_in, contact_id, {{ id }}, decision, author, effect
        from {{ report }}
        where effect = 'unknown decision' or effect like 'a name is %'
    {%- endset -%}
    {%- if execute and flags.WHICH in ['build', 'test'] -%}
        {%- for row in run_query(wrong ~ ' order by 1, 2, 3, 4') -%}
            {%- do log(
                'ERROR in the ' ~ row[0] ~ ': contact_id ' ~ row[1] ~ ', ' ~ id ~ ' ' ~ row[2] ~ ', decision '
                ~ row[3] ~ ', author ' ~ row[4] ~ ': ' ~ row[5], info=true
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ wrong }}
{%- endmacro %}
