//! The shop's database at one date: products, customers, orders. All of it is invented.
//!
//! The server answers from it and the driver takes valid ids from it. Invariant: [`Database::at`] is a pure function of
//! the two dates, so that what a script expects is what the server has.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::chance::hash;

/// A product of the catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) sku: &'static str,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) price_cents: u32,
    pub(crate) weight_g: u32,
    pub(crate) about: &'static str,
}

/// A customer of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) city: &'static str,
    pub(crate) country: &'static str,
    pub(crate) postcode: &'static str,
    pub(crate) street: &'static str,
}

/// Where an order is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Received,
    Packed,
    Shipped,
    Delivered,
    Cancelled,
}

/// An order with its lines.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) customer: &'static str,
    pub(crate) placed: Date,
    pub(crate) status: Status,
    pub(crate) lines: Vec<(&'static str, u32)>,
    pub(crate) tracking: String,
    pub(crate) discount_percent: u32,
}

/// Everything the shop knows at one date.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) today: Date,
    pub(crate) customers: Vec<Customer>,
    pub(crate) orders: Vec<Order>,
}

/// The product whose stock row is damaged: asking for its stock fails for as long as anyone asks.
pub(crate) const DAMAGED_SKU: &str = "CL-3107";

/// The stores that keep stock.
pub(crate) const STORES: [&str; 3] = ["bergen", "graz", "lyon"];

/// The categories of the catalogue.
pub(crate) const CATEGORIES: [&str; 6] = ["tents", "sleeping", "packs", "footwear", "climbing", "cooking"];

impl Status {
    /// The word the API uses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Order {
    /// The sum of the lines in cents, less the discount.
    pub(crate) fn total_cents(&self) -> u32 {
        let sum: u32 = self
            .lines
            .iter()
            .filter_map(|(sku, n)| product(sku).map(|product| product.price_cents * n))
            .sum();
        sum - sum * self.discount_percent / 100
    }
}

impl Database {
    /// The database as it stands on `today`, in a history whose newest order is placed on `until`.
    pub(crate) fn at(today: Date, until: Date) -> Self {
        let orders = (0..ORDERS).filter_map(|i| order(i, today, until)).collect();
        Self { today, customers: CUSTOMERS.to_vec(), orders }
    }

    /// The order of this number.
    pub(crate) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }

    /// The orders in this status, newest first.
    pub(crate) fn in_status(&self, status: Status) -> Vec<&Order> {
        self.orders.iter().rev().filter(|order| order.status == status).collect()
    }
}

/// The product of this SKU.
pub(crate) fn product(sku: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.sku == sku)
}

/// What a store has of a product.
pub(crate) fn stock(sku: &str, store: &str) -> u32 {
    let drawn = hash(11, &format!("{sku}@{store}")) % 14;
    u32::try_from(drawn).unwrap_or(0).saturating_sub(2)
}

const ORDERS: u32 = 72;
/// Days from the oldest order to the newest.
const HISTORY_DAYS: u32 = 54;

fn order(i: u32, today: Date, until: Date) -> Option<Order> {
    let back = HISTORY_DAYS - i * HISTORY_DAYS / (ORDERS - 1);
    let placed = until.checked_sub(i64::from(back).days()).ok()?;
    let age = placed.until(today).ok()?.get_days();
    if age < 0 {
        return None;
    }
    let drawn = usize::try_from(hash(7, &i.to_string()) % 10_007).unwrap_or(0);
    let status = match age {
        _ if drawn.is_multiple_of(13) => Status::Cancelled,
        0 => Status::Received,
        1 => Status::Packed,
        2..=5 => Status::Shipped,
        _ => Status::Delivered,
    };
    let first = PRODUCTS[drawn % PRODUCTS.len()].sku;
    let mut lines = vec![(first, 1 + u32::from(drawn.is_multiple_of(4)))];
    if drawn.is_multiple_of(3) {
        lines.push((PRODUCTS[(drawn / 7 + 5) % PRODUCTS.len()].sku, 1));
    }
    Some(Order {
        id: format!("ORD-{}", 10_400 + i),
        customer: CUSTOMERS[drawn % CUSTOMERS.len()].id,
        placed,
        status,
        lines,
        tracking: format!("PX{:09}", 310_000_000 + u64::from(i) * 7_919),
        discount_percent: 0,
    })
}

/// The catalogue.
pub(crate) const PRODUCTS: [Product; 24] = [
    item(
        "TN-2041",
        "Fjord 2 tent",
        "tents",
        37_900,
        2_140,
        "Two-person tunnel tent, 4-season fly, 5,000 mm floor",
    ),
    item(
        "TN-2055",
        "Fjord 3 tent",
        "tents",
        45_900,
        2_680,
        "Three-person tunnel tent with a large vestibule",
    ),
    item("TN-2102", "Kestrel solo tent", "tents", 29_900, 980, "One-person trekking-pole tent"),
    item("TN-2200", "Basecamp 6 tent", "tents", 68_900, 9_400, "Six-person family dome with standing height"),
    item("SL-1010", "Down quilt 400", "sleeping", 25_900, 610, "Comfort 2 °C, 850-fill down, open back"),
    item("SL-1022", "Synthetic bag 0 °C", "sleeping", 11_900, 1_250, "Mummy bag, washable, for damp trips"),
    item("SL-1035", "Insulated mat R4.2", "sleeping", 13_900, 480, "Inflatable mat, 8 cm, with pump sack"),
    item("SL-1040", "Foam mat", "sleeping", 3_900, 410, "Closed-cell foam, folds flat"),
    item("PK-4001", "Ridge 28 daypack", "packs", 9_900, 890, "Hydration-ready daypack with rain cover"),
    item("PK-4018", "Ridge 48 pack", "packs", 18_900, 1_540, "Three-day pack, adjustable back length"),
    item("PK-4030", "Haul 70 pack", "packs", 24_900, 2_210, "Load hauler for winter and climbing trips"),
    item("PK-4044", "Dry bag set", "packs", 2_900, 150, "Three roll-top bags, 5, 10 and 20 litres"),
    item(
        "FW-5003",
        "Talus mid boots",
        "footwear",
        19_900,
        1_080,
        "Waterproof leather boots, crampon compatible B1",
    ),
    item("FW-5011", "Talus low shoes", "footwear", 13_900, 720, "Approach shoes with sticky rubber"),
    item("FW-5020", "Snow gaiters", "footwear", 5_900, 290, "Breathable gaiters to the knee"),
    item("FW-5033", "Merino socks, 3 pairs", "footwear", 3_900, 210, "Mid-weight hiking socks"),
    item("CL-3100", "Sport harness", "climbing", 7_900, 390, "Four gear loops, adjustable legs"),
    item("CL-3107", "Dynamic rope 9.5 mm, 60 m", "climbing", 18_900, 3_600, "Dry-treated single rope"),
    item("CL-3112", "Quickdraw set, 6 pieces", "climbing", 9_900, 610, "Keylock draws, 12 cm"),
    item("CL-3120", "Helmet", "climbing", 6_900, 310, "Foam helmet with headlamp clips"),
    item("CK-6001", "Gas stove", "cooking", 5_900, 95, "Folding burner, 2,900 W"),
    item("CK-6008", "Titanium pot 900 ml", "cooking", 6_900, 130, "Pot with lid and folding handles"),
    item("CK-6015", "Water filter", "cooking", 4_900, 85, "Hollow fibre, 1 litre a minute"),
    item("CK-6022", "Gas cartridge 230 g", "cooking", 790, 380, "Winter mix; ships by road only"),
];

const CUSTOMERS: [Customer; 8] = [
    customer("C-1001", "Ingrid Solheim", "Bergen", "NO", "5003", "Strandgaten 18"),
    customer("C-1002", "Marc Delacroix", "Lyon", "FR", "69002", "Rue Mercière 41"),
    customer("C-1003", "Hanna Weber", "Graz", "AT", "8010", "Sporgasse 9"),
    customer("C-1004", "Tomás Rivera", "Bilbao", "ES", "48001", "Calle Somera 22"),
    customer("C-1005", "Yuki Tanabe", "Berlin", "DE", "10119", "Torstraße 101"),
    customer("C-1006", "Oona Lehto", "Tampere", "FI", "33100", "Hämeenkatu 5"),
    customer("C-1007", "Piet van Dam", "Utrecht", "NL", "3511 LN", "Oudegracht 88"),
    customer("C-1008", "Carla Bruno", "Torino", "IT", "10121", "Via Roma 12"),
];

const fn item(
    sku: &'static str,
    name: &'static str,
    category: &'static str,
    price_cents: u32,
    weight_g: u32,
    about: &'static str,
) -> Product {
    Product { sku, name, category, price_cents, weight_g, about }
}

const fn customer(
    id: &'static str,
    name: &'static str,
    city: &'static str,
    country: &'static str,
    postcode: &'static str,
    street: &'static str,
) -> Customer {
    Customer { id, name, city, country, postcode, street }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_status_occurs_on_every_day_of_the_demo() {
        let until = date(2026, 11, 21);
        for back in 0..=14 {
            let database = Database::at(until.saturating_sub(back.days()), until);
            for status in [Status::Shipped, Status::Delivered, Status::Cancelled] {
                assert!(!database.in_status(status).is_empty(), "{back} days back: no {status:?}");
            }
            let open = database.in_status(Status::Received).len() + database.in_status(Status::Packed).len();
            assert!(open > 0, "{back} days back: no order that can be cancelled");
        }
    }

    #[test]
    fn an_order_keeps_its_date_while_days_pass() {
        let until = date(2026, 11, 21);
        let early = Database::at(date(2026, 11, 10), until);
        let late = Database::at(until, until);
        assert!(early.orders.len() < late.orders.len());
        for order in &early.orders {
            assert_eq!(late.order(&order.id).unwrap().placed, order.placed);
        }
    }
}
