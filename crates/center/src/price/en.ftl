# Price books

nav-prices = Prices
action-read_price = See prices
action-manage_price = Publish prices
price-book = Price book
price-versions = All versions
price-none = No price book yet
price-none-text = Metered jobs are not taken for a pool, class and domain without a price.
price-new = Publish prices
price-new-text = A price book never changes once published, and charges metered before stay as they are. An empty cell is no price.
price-name = Name
price-from = Holds from
price-from-hint = From now on where left empty; never earlier than now
price-in-force = In force
price-count = Prices
price-a-card-hour = CNY a card-hour
price-pool = Pool
price-class = Class
price-domain = Domain
price-publish = Publish
