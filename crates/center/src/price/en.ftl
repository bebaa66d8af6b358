# Price books

nav-prices = Prices
action-read_price = See prices
action-manage_price = Publish prices
price-book = Price book
price-versions = All versions
price-none = No price book yet
price-none-text = For a pool, class and domain without a price, no metered job is accepted.
price-new = Publish prices
price-new-text = Once published, a price book never changes; what was metered before keeps its charge. Leave a cell empty for no price.
price-name = Name
price-from = In force from
price-from-hint = At once where left empty; it can’t be in the past
price-in-force = In force
price-count = Prices
price-a-card-hour = CNY per card-hour
price-pool = Pool
price-class = Class
price-domain = Domain
price-publish = Publish
