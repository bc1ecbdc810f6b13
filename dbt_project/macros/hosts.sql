{#- A host with a top-level domain of letters, or of an internationalised one in its ASCII form. -#}
{% macro host_pattern() -%}
    {{ return('[\\p{L}\\p{N}._-]+[.](?:xn--[a-z0-9-]+|\\p{L}{2,})') }}
{%- endmacro %}


{#- The host of the first e-mail address in a text, lower case; null where there is none. -#}
{% macro email_host(email) -%}
    {%- set pattern = '[^@ ]@(' ~ host_pattern() ~ ')(?:[^\\p{L}\\p{N}_-].*)?$' -%}
    {{ regexp_first_group('lower(' ~ email ~ ')', pattern) }}
{%- endmacro %}


{#- The host of a web address, with or without scheme, user, port and path; null where there is none. -#}
{% macro website_host(website) -%}
    {%- set pattern = '^(?:[a-z]+:/+)?(?:[^/?#@]*@)?(' ~ host_pattern() ~ ')[.]?(?::[0-9]*)?(?:[/?#].*)?$' -%}
    {{ regexp_first_group('lower(trim(' ~ website ~ '))', pattern) }}
{%- endmacro %}
