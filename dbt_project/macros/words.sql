{#-
    How far two different words agree, in hundredths; null where they do not. The shorter one is given
    first, and both begin with one letter.
-#}
{% macro word_agreement(shorter, longer) -%}
    case
        when length({{ shorter }}) = 1 then 55
        when length({{ shorter }}) >= 3 and left({{ longer }}, length({{ shorter }})) = {{ shorter }}
            then 80
        when length({{ shorter }}) >= 5 and length({{ longer }}) - length({{ shorter }}) <= 2
            then
                case
                    when {{ edit_distance(shorter, longer) }} = 1 then 90
                    when length({{ shorter }}) >= 6 and {{ edit_distance(shorter, longer) }} = 2 then 60
                    when left({{ shorter }}, 4) = left({{ longer }}, 4) then 50
                end
        -- Letters in order, as NTES in Nantes.
        when
            length({{ shorter }}) between 3 and 5
            and length({{ longer }}) <= 2 * length({{ shorter }})
            and {{ longer }} like {{ regexp_replace_all(shorter, '(.)', '\\1%') }}
            then 60
        when length({{ shorter }}) >= 4 and left({{ shorter }}, 4) = left({{ longer }}, 4) then 50
    end
{%- endmacro %}


{#-
    Per pair of names: the weight of one side's words, how much of it the other side covers, and the
    rarest word that is covered, or missing.
-#}
{% macro covered_words(words, agreements) -%}
    select
        words.contact_core,
        words.company_core,
        cast(sum(words.weight) as integer) as weight,
        cast(sum(words.weight * coalesce(best.agreement, 0)) as integer) as covered_weight,
        max(case when words.place = 1 then coalesce(best.agreement, 0) end) as first_agreement,
        max(case when coalesce(best.agreement, 0) < 50 then words.weight else 0 end)
            as missing_weight,
        max(case when best.agreement >= 80 then words.weight else 0 end) as shared_weight,
        cast(sum(case when best.agreement = 100 then words.weight * words.weight else 0 end) as bigint)
            as equal_norm
    from {{ words }} as words
    left join (
        select
            contact_core,
            company_core,
            token_number,
            max(agreement) as agreement
        from {{ agreements }}
        group by contact_core, company_core, token_number
    ) as best
        on
            words.contact_core = best.contact_core
            and words.company_core = best.company_core
            and words.token_number = best.token_number
    group by words.contact_core, words.company_core
{%- endmacro %}
