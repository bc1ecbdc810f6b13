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
        when length({{ shorter }}) >= 4 and left({{ shorter }}, 4) = left({{ longer }}, 4)
            then
                case
                    -- ENSEIGNT in Enseignement.
                    when
                        length({{ shorter }}) between 5 and 12
                        and {{ longer }} like {{ regexp_replace_all(shorter, '(.)', '\\1%') }}
                        then 75
                    else 50
                end
    end
{%- endmacro %}
