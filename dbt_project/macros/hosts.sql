{#- The host of the first e-mail address in a text, lower case; not always a complete one. -#}
{% macro email_host(email) -%}
    {%- set pattern = '[^@ ]@([^@ ,;:<>()/"]*[^@ ,;:<>()/".])' -%}
    {{ regexp_first_group('lower(' ~ email ~ ')', pattern) }}
{%- endmacro %}


{#- The host of a web address, with or without scheme, user, port and path; not always a complete one. -#}
{% macro website_host(website) -%}
    {%- set pattern = '^(?:[a-z]+:/+)?(?:[^/?#@]*@)?([^/?#:@ ]*[^/?#:@ .])' -%}
    {{ regexp_first_group('lower(trim(' ~ website ~ '))', pattern) }}
{%- endmacro %}


{#-
    Whether a host is under a top-level domain of letters, or of an internationalised one in its ASCII
    form. Cut out first and looked at then: one pattern for both is ten times slower.
-#}
{% macro is_complete_host(host) -%}
    {{ regexp_matches(host, '^[\\p{L}\\p{N}._-]+[.](?:xn--[a-z0-9-]+|\\p{L}{2,})$') }}
{%- endmacro %}
