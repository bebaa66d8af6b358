# Alliances

nav-alliances = Alliances
action-read_alliance = See alliances
action-manage_alliance = Manage alliances
alliance = Alliance
alliances-all = All alliances
alliances-none = No alliances yet
alliances-none-text = Tenants of one alliance share assets and lend each other idle guaranteed cards.
alliance-found = Found an alliance
alliance-slug = Short name
alliance-name-zh = Chinese name
alliance-name-en = English name
alliance-names = Names
alliance-tenants = Tenants
alliance-tenants-none = No tenant is in it yet; a tenant's alliance is chosen as it is signed up, or on its page.
alliance-lends = Lends to others
alliance-lends-all = All idle cards
alliance-lends-hint = The most idle guaranteed cards that tenants outside of it may borrow; all where left empty
alliance-set = Save
detail-lending-limit = most cards lent
