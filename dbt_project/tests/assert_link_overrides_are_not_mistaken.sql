-- A word that is no decision, and a name where an id is due, would be ignored in silence.
{{ wrong_overrides(ref('link_override_report'), 'company_id') }}
