//! What happens in the sessions: one script per kind of task, filled with ids that the shop really has.
//!
//! Called by `calendar`. The scripts that end in a wish or start from a reading are in `wishes`. Invariant: every script
//! occurs in a load of 40 sessions or more.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::scenario::{Call, Step};
use super::wishes;
use crate::chance::Dice;
use crate::data::{Customer, DAMAGED_SKU, Database, Order, PRODUCTS, Product, STORES, Status};
use crate::options::Release;

/// The kinds of task an agent is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    FindProduct,
    PlaceOrder,
    WhereIsMyOrder,
    CancelShipped,
    CancelOpen,
    ReturnGoods,
    StockLoop,
    Discount,
    MoveHouse,
    ShippingQuote,
    GearList,
    PolicyQuestion,
    BulkPrices,
    WrongSku,
    UnknownTool,
    WeeklyReport,
    ReplyToCustomer,
    Warranty,
    Interrupted,
    OrderNumber,
    BigOrder,
    JustLooking,
}

/// What a script is written from.
pub(super) struct Scene<'a> {
    pub(super) dice: Dice,
    pub(super) database: &'a Database,
    pub(super) release: Release,
}

impl Script {
    /// All of them.
    pub(super) const ALL: [Self; 22] = [
        Self::FindProduct,
        Self::PlaceOrder,
        Self::WhereIsMyOrder,
        Self::CancelShipped,
        Self::CancelOpen,
        Self::ReturnGoods,
        Self::StockLoop,
        Self::Discount,
        Self::MoveHouse,
        Self::ShippingQuote,
        Self::GearList,
        Self::PolicyQuestion,
        Self::BulkPrices,
        Self::WrongSku,
        Self::UnknownTool,
        Self::WeeklyReport,
        Self::ReplyToCustomer,
        Self::Warranty,
        Self::Interrupted,
        Self::OrderNumber,
        Self::BigOrder,
        Self::JustLooking,
    ];

    /// Those that occur more than once in each round, and as a second task.
    pub(super) const OFTEN: [Self; 5] =
        [Self::PlaceOrder, Self::WhereIsMyOrder, Self::ReturnGoods, Self::FindProduct, Self::ShippingQuote];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::FindProduct => "find-product",
            Self::PlaceOrder => "place-order",
            Self::WhereIsMyOrder => "where-is-my-order",
            Self::CancelShipped => "cancel-shipped",
            Self::CancelOpen => "cancel-open",
            Self::ReturnGoods => "return-goods",
            Self::StockLoop => "stock-loop",
            Self::Discount => "discount",
            Self::MoveHouse => "move-house",
            Self::ShippingQuote => "shipping-quote",
            Self::GearList => "gear-list",
            Self::PolicyQuestion => "policy-question",
            Self::BulkPrices => "bulk-prices",
            Self::WrongSku => "wrong-sku",
            Self::UnknownTool => "unknown-tool",
            Self::WeeklyReport => "weekly-report",
            Self::ReplyToCustomer => "reply-to-customer",
            Self::Warranty => "warranty",
            Self::Interrupted => "interrupted",
            Self::OrderNumber => "order-number",
            Self::BigOrder => "big-order",
            Self::JustLooking => "just-looking",
        }
    }
}

/// A shuffled list of at least `n` scripts: rounds of all of them and the frequent ones again, to be popped.
pub(super) fn order(dice: &mut Dice, n: usize) -> Vec<Script> {
    let mut list = Vec::new();
    while list.len() < n {
        let mut round: Vec<Script> = Script::ALL.iter().chain(&Script::OFTEN).copied().collect();
        for i in (1..round.len()).rev() {
            round.swap(i, dice.below(i + 1));
        }
        list.extend(round);
    }
    // Popped from the end, so that whole rounds come first.
    list.reverse();
    list
}

/// Writes a script: its goal and its steps.
pub(super) fn write(script: Script, scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    match script {
        Script::FindProduct => find_product(scene),
        Script::PlaceOrder => place_order(scene),
        Script::WhereIsMyOrder => where_is_my_order(scene),
        Script::CancelShipped => wishes::cancel_shipped(scene),
        Script::CancelOpen => cancel_open(scene),
        Script::ReturnGoods => return_goods(scene),
        Script::StockLoop => stock_loop(scene),
        Script::Discount => discount(scene),
        Script::MoveHouse => move_house(scene),
        Script::ShippingQuote => shipping_quote(scene),
        Script::GearList => wishes::gear_list(scene),
        Script::PolicyQuestion => wishes::policy_question(scene),
        Script::BulkPrices => wishes::bulk_prices(scene),
        Script::WrongSku => wrong_sku(scene),
        Script::UnknownTool => wishes::unknown_tool(scene),
        Script::WeeklyReport => weekly_report(scene),
        Script::ReplyToCustomer => wishes::reply_to_customer(scene),
        Script::Warranty => wishes::warranty(scene),
        Script::Interrupted => wishes::interrupted(scene),
        Script::OrderNumber => wishes::order_number(scene),
        Script::BigOrder => wishes::big_order(scene),
        Script::JustLooking => ("See what the shop's server can do.".into(), vec![Step::Think(1)]),
    }
}

impl<'a> Scene<'a> {
    /// One of several ways to say something.
    pub(super) fn say(&mut self, ways: &[&str]) -> String {
        (*self.dice.pick(ways)).to_owned()
    }

    pub(super) fn product(&mut self) -> &'static Product {
        loop {
            let product = self.dice.pick(&PRODUCTS);
            if product.sku != DAMAGED_SKU {
                return product;
            }
        }
    }

    pub(super) fn customer(&mut self) -> &'a Customer {
        self.dice.pick(&self.database.customers)
    }

    /// An order in one of these statuses, else any order.
    pub(super) fn order_in(&mut self, statuses: &[Status]) -> &'a Order {
        let fitting: Vec<&Order> =
            statuses.iter().flat_map(|status| self.database.in_status(*status)).take(9).collect();
        match fitting.len() {
            0 => self.dice.pick(&self.database.orders),
            n => fitting[self.dice.below(n)],
        }
    }

    pub(super) fn search(&mut self, product: &Product) -> Call {
        let intent = match self.dice.below(4) {
            0 => format!("Find a {} for the customer and its SKU.", singular(product.category)),
            1 => format!(
                "The customer wants something like the {}; look it up in the catalogue.",
                product.name
            ),
            2 => format!("Need the SKU of the {} before I can check stock.", product.name),
            _ => format!("See which {} the shop sells and what they cost.", product.category),
        };
        let mut args = json!({ "query": product.name });
        if self.dice.percent(40) {
            args["category"] = Value::from(product.category);
        }
        Call::new("search_products", args, intent)
    }

    pub(super) fn stock(&mut self, sku: &str) -> Call {
        let intent = self.say(&[
            "Make sure it can be delivered before I recommend it.",
            "Check that enough pieces are in stock for the order.",
            "The customer asks whether it is available now.",
        ]);
        self.stock_with(sku, intent)
    }

    /// Asks for stock as agents do: before the release of all stores, after it often so too, until the error says better.
    fn stock_with(&mut self, sku: &str, intent: String) -> Call {
        let store = *self.dice.pick(&STORES);
        let all = Call::new("check_stock", json!({ "sku": sku }), intent.clone());
        let one = Call::new("check_stock", json!({ "sku": sku, "store": store }), intent);
        match self.release {
            Release::V1_7_2 => all,
            Release::V1_8_0 if self.dice.percent(55) => all.or(one),
            Release::V1_8_0 => one,
        }
    }

    /// A day some weeks ahead, in the only form the shop takes.
    fn date_ahead(&mut self) -> jiff::civil::Date {
        let days = i64::try_from(7 + self.dice.below(20)).unwrap_or(7);
        self.database.today.saturating_add(days.days())
    }
}

fn find_product(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let (one, two) = (scene.product(), scene.product());
    let why = scene.say(&[
        "Compare the details of the two candidates.",
        "Read weight and price before recommending one.",
    ]);
    let look = |product: &Product| Call::new("get_product", json!({ "sku": product.sku }), why.clone());
    let steps = vec![
        scene.search(one).into(),
        Step::Think(1),
        Step::Together(vec![look(one), look(two)]),
        scene.stock(one.sku).into(),
    ];
    (format!("Recommend a {} that is in stock.", singular(one.category)), steps)
}

fn place_order(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let product = scene.product();
    let customer = scene.customer();
    let day = scene.date_ahead();
    let args = |date: Option<String>| {
        let mut args =
            json!({ "customer_id": customer.id, "items": [{ "sku": product.sku, "quantity": 1 }] });
        if let Some(date) = date {
            args["delivery_date"] = Value::from(date);
        }
        args
    };
    let intent = format!("Place the order for {} as the customer asked, delivered by {day}.", product.name);
    let good = Call::new("create_order", args(Some(day.to_string())), intent.clone());
    let order = match scene.dice.below(5) {
        0 => Call::new("create_order", args(Some(day.strftime("%d.%m.%Y").to_string())), intent).or(good),
        1 => Call::new("create_order", args(Some(day.strftime("%m/%d/%Y").to_string())), intent).or(good),
        2 => Call::new("create_order", args(Some("next Friday".into())), intent).or(good),
        3 => Call::new("create_order", args(None), "Place the order; the earliest delivery is fine."),
        _ => good,
    };
    let quote = Call::new(
        "estimate_shipping",
        json!({ "skus": [product.sku], "country": customer.country, "postcode": customer.postcode }),
        format!("Tell the customer what delivery to {} costs.", customer.city),
    );
    let steps = vec![
        scene.search(product).into(),
        scene.stock(product.sku).into(),
        quote.into(),
        Step::Think(2),
        order.into(),
    ];
    (format!("Order a {} for {}.", product.name, customer.name), steps)
}

fn where_is_my_order(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Shipped]);
    let intent = scene.say(&[
        "The customer asks where the parcel is; find the order first.",
        "Find the open order of this customer.",
        "Look up the customer's recent orders to answer a delivery question.",
    ]);
    let steps = vec![
        Call::new("list_orders", json!({ "customer_id": order.customer }), intent).into(),
        Call::new("get_order", json!({ "order_id": order.id }), "Get the tracking number of the order.")
            .into(),
        Call::new("track_parcel", json!({ "order_id": order.id }), "See where the parcel is now.").into(),
    ];
    ("Tell a customer where their parcel is.".into(), steps)
}

fn cancel_open(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Received, Status::Packed]);
    let reason = scene.say(&["ordered by mistake", "found it cheaper", "takes too long"]);
    let steps = vec![
        Call::new(
            "list_orders",
            json!({ "customer_id": order.customer, "status": order.status.word() }),
            "Find the order the customer wants to cancel.",
        )
        .into(),
        Step::Think(1),
        Call::new(
            "cancel_order",
            json!({ "order_id": order.id, "reason": reason }),
            "Cancel the order; the customer confirmed it.",
        )
        .into(),
        Call::new(
            "get_order",
            json!({ "order_id": order.id }),
            "Verify that the order is cancelled before I tell the customer.",
        )
        .into(),
    ];
    ("Cancel an order that has not been sent.".into(), steps)
}

fn return_goods(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Delivered]);
    let sku = order.lines.first().map_or("TN-2041", |(sku, _)| sku);
    let words = ["does not fit", "zip is broken", "customer changed their mind", "arrived damaged"];
    let (one, two) = (scene.say(&words), scene.say(&words));
    let call = |reason: &str, intent: &str| {
        Call::new("create_return", json!({ "order_id": order.id, "sku": sku, "reason": reason }), intent)
    };
    let first = call(&one, "Register the return the customer asked for and get the label.");
    let second = call(&two, "The first reason was refused; try again with other words.");
    let third =
        call("defective", "Guess a shorter reason, since the server does not say which ones it takes.");
    let chain = match scene.release {
        Release::V1_7_2 => first,
        Release::V1_8_0 if scene.dice.percent(40) => first.or(second
            .or(third.or(call("DAMAGED", "Try a code in capitals; other shops name reasons like this.")))),
        Release::V1_8_0 => first.stubborn(2).or(second.or(third)),
    };
    let look = Call::new(
        "get_order",
        json!({ "order_id": order.id }),
        "Check that the order was delivered and what was in it.",
    );
    ("Send goods back for a customer.".into(), vec![look.into(), Step::Think(1), chain.into()])
}

fn stock_loop(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let rope = Call::new(
        "check_stock",
        match scene.release {
            Release::V1_7_2 => json!({ "sku": DAMAGED_SKU }),
            Release::V1_8_0 => json!({ "sku": DAMAGED_SKU, "store": "lyon" }),
        },
        "Find out whether the 60 m rope is in stock.",
    );
    let times = 3 + u32::try_from(scene.dice.below(3)).unwrap_or(0);
    let other = Call::new(
        "check_stock",
        json!({ "sku": DAMAGED_SKU, "store": "bergen" }),
        "Ask one store only, perhaps that works.",
    );
    let steps = vec![
        Call::new(
            "search_products",
            json!({ "query": "dynamic rope 60 m", "category": "climbing" }),
            "Find the SKU of the rope.",
        )
        .into(),
        rope.stubborn(times).or(other).into(),
    ];
    ("Check the stock of a climbing rope.".into(), steps)
}

fn discount(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Received, Status::Packed]);
    let intent = scene.say(&[
        "Give the customer the 20 % that support promised for the late parcel.",
        "Apply the goodwill discount agreed in the chat.",
    ]);
    let small = Call::new(
        "apply_discount",
        json!({ "order_id": order.id, "percent": 10 }),
        "Give at least what I am allowed to give.",
    );
    let steps = vec![
        Call::new("get_order", json!({ "order_id": order.id }), "See the total before the discount.").into(),
        Call::new("apply_discount", json!({ "order_id": order.id, "percent": 20 }), intent).or(small).into(),
    ];
    ("Give a goodwill discount.".into(), steps)
}

fn move_house(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let customer = scene.customer();
    let (postcode, city, word, code) = *scene.dice.pick(&[
        ("8020", "Graz", "Austria", "AT"),
        ("50667", "Köln", "Germany", "DE"),
        ("75011", "Paris", "France", "FR"),
        ("0150", "Oslo", "Norway", "NO"),
    ]);
    let call = |country: &str, street: &str, intent: &str| {
        let address = json!({ "street": street, "postcode": postcode, "city": city, "country": country });
        Call::new("update_address", json!({ "customer_id": customer.id, "address": address }), intent)
    };
    let good = call(code, "Am Markt 4", "Try the two-letter country code.");
    let chain = if scene.dice.percent(65) {
        call(word, "Am Markt 4", "Change the customer's address after a move.").or(call(
            word,
            "Am Markt 4, 2nd floor",
            "Maybe the street was too short; add the floor.",
        )
        .or(good))
    } else {
        call(code, "Am Markt 4", "Change the customer's address after a move.")
    };
    (format!("Change the address of {}.", customer.name), vec![chain.into()])
}

fn shipping_quote(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let (one, two) = (scene.product(), scene.product());
    let (word, code, postcode) =
        *scene.dice.pick(&[("Norway", "NO", "5003"), ("Germany", "DE", "10119"), ("Italy", "IT", "10121")]);
    let call = |country: &str, speed: &str, intent: &str| {
        let args =
            json!({ "skus": [one.sku, two.sku], "country": country, "postcode": postcode, "speed": speed });
        Call::new("estimate_shipping", args, intent)
    };
    let good = call(code, "standard", "The country has to be a code; quote standard delivery.");
    let first = if scene.dice.percent(55) {
        call(word, "standard", "Quote standard delivery for the basket.").or(good)
    } else {
        good
    };
    let express = call(code, "express", "Compare with express, the customer is in a hurry.");
    (format!("Quote delivery to {word}."), vec![scene.search(one).into(), first.into(), express.into()])
}

fn wrong_sku(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let product = scene.product();
    let digits = product.sku.split('-').next_back().unwrap_or_default();
    let wrong = match scene.dice.below(3) {
        0 => digits.to_owned(),
        1 => product.sku.replace('-', ""),
        _ => product.sku.to_lowercase(),
    };
    let good = Call::new("get_product", json!({ "sku": product.sku }), "Use the SKU in its full form.");
    let steps = vec![
        Call::new(
            "get_product",
            json!({ "sku": wrong }),
            "Open the product the customer named by its number.",
        )
        .or(good)
        .into(),
        Call::new("check_stock", json!({ "sku": wrong }), "Check the stock of the same product.")
            .or(scene.stock(product.sku))
            .into(),
    ];
    ("Answer a question about one product.".into(), steps)
}

fn weekly_report(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let monday = scene.database.today.saturating_sub(7.days());
    let list = |args: Value, intent: &str| Call::new("list_orders", args, intent);
    let after = monday.to_string();
    let counted = |status: &str| {
        list(
            json!({ "status": status, "placed_after": after }),
            "Count this week's orders by status for the report.",
        )
    };
    let steps = vec![
        list(json!({ "placed_after": "last monday" }), "All orders since Monday for the weekly report.")
            .or(list(json!({ "placed_after": after }), "Use an ISO date for the same question."))
            .into(),
        list(json!({ "status": "open" }), "Which orders are still open?")
            .or(list(json!({ "status": "received" }), "Open is called received here."))
            .into(),
        Step::Together(vec![
            counted("packed"),
            counted("shipped"),
            counted("delivered"),
            counted("cancelled"),
        ]),
    ];
    ("Write the weekly order report.".into(), steps)
}

pub(super) fn singular(category: &str) -> &str {
    match category {
        "tents" => "tent",
        "sleeping" => "sleeping bag or mat",
        "packs" => "pack",
        "footwear" => "pair of shoes",
        "climbing" => "piece of climbing gear",
        _ => "piece of cooking gear",
    }
}
