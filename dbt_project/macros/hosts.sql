{#- The host of the first e-mail address in a text, lower case; null where there is none. -#}
{% macro email_host(email) -%}
    {%- set pattern = '[^@ ]@([^@ ,;:<>()/"]*[^@ ,;:<>()/".])' -%}
    {{ complete_host(regexp_first_group('lower(' ~ email ~ ')', pattern)) }}
{%- endmacro %}


{#- The host of a web address, with or without scheme, user, port and path; null where there is none. -#}
{% macro website_host(website) -%}
    {%- set pattern = '^(?:[a-z]+:/+)?(?:[^/?#@]*@)?([^/?#:@ ]*[^/?#:@ .])' -%}
    {{ complete_host(regexp_first_group('lower(trim(' ~ website ~ '))', pattern)) }}
{%- endmacro %}


{#-
    A host under a top-level domain of letters, or of an internationalised one in its ASCII form;
    null for anything else. Cut out first and looked at then: one pattern for both is ten times slower.
-#}
{% macro complete_host(host) -%}
    {%- set pattern = '^[\\p{L}\\p{N}._-]+[.](?:xn--[a-z0-9-]+|\\p{L}{2,})$' -%}
    case when {{ regexp_matches(host, pattern) }} then {{ host }} end
{%- endmacro %}
