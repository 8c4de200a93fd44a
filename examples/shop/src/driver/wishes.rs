//! The scripts that end in a wish (`get_more_tools`), use resources and prompts, or go astray.
//!
//! Called by `scripts`. Invariant: a wish names something that none of the shop's tools does.

use serde_json::{Map, Value, json};

use super::scenario::{Call, Step};
use super::scripts::Scene;
use crate::data::Status;

pub(super) fn cancel_shipped(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Shipped]);
    let wish = scene.say(&[
        "Cancel a shipment that is already with the carrier, or send the parcel back.",
        "Stop a parcel in transit: cancel_order refuses orders that have been shipped.",
        "Cancel a shipment before it is delivered.",
    ]);
    let steps = vec![
        Call::new(
            "get_order",
            json!({ "order_id": order.id }),
            "See whether the order can still be cancelled.",
        )
        .into(),
        Call::new(
            "cancel_order",
            json!({ "order_id": order.id, "reason": "no longer needed" }),
            "Cancel the order for the customer.",
        )
        .into(),
        Call::new("track_parcel", json!({ "order_id": order.id }), "Perhaps the parcel has not left yet.")
            .into(),
        Step::Wish(wish),
    ];
    ("Cancel an order that is on its way.".into(), steps)
}

pub(super) fn gear_list(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let trip = scene.say(&[
        "four-day hut tour",
        "winter ski tour",
        "first multi-pitch climb",
        "bike-packing weekend",
    ]);
    let words = [
        "tent",
        "down quilt",
        "mat",
        "pack rain cover",
        "waterproof boots",
        "gas stove",
        "water filter",
        "socks",
        "helmet",
    ];
    let mut steps = vec![Step::ListPrompts, prompt("gear_list", json!({ "trip": trip, "season": "autumn" }))];
    let searches = 5 + scene.dice.below(5);
    for word in words.iter().take(searches) {
        let intent = format!("Find a {word} for the packing list of the {trip}.");
        steps.push(Call::new("search_products", json!({ "query": word, "limit": 3 }), intent).into());
    }
    let skus: Vec<Call> = (0..3)
        .map(|_| {
            let product = scene.product();
            scene.stock(product.sku)
        })
        .collect();
    steps.push(Step::Together(skus));
    (format!("Make a packing list for a {trip}."), steps)
}

pub(super) fn policy_question(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Delivered]);
    let steps = vec![
        Step::ListResources,
        Step::Read("shop://policy/returns".into()),
        Step::Read("shop://sizes/footwear".into()),
        Call::new(
            "get_order",
            json!({ "order_id": order.id }),
            "Check whether the order is still within the return period.",
        )
        .into(),
    ];
    ("Answer whether a customer may still return something.".into(), steps)
}

pub(super) fn bulk_prices(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let product = scene.product();
    let wish = scene.say(&[
        "Bulk price update: raise the prices of a whole category by a percentage.",
        "Change the price of many products at once.",
        "Set prices; I can only read them with the tools there are.",
    ]);
    let steps = vec![
        scene.search(product).into(),
        Call::new("get_product", json!({ "sku": product.sku }), "Read today's price before changing it.")
            .into(),
        Step::Wish(wish),
    ];
    (format!("Raise all prices of {} by 5 %.", product.category), steps)
}

pub(super) fn unknown_tool(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Received, Status::Packed]);
    let change = Call::new(
        "update_order",
        json!({ "order_id": order.id, "items": [{ "sku": "PK-4018", "quantity": 2 }] }),
        "Change the quantity in the customer's order.",
    );
    let steps = vec![
        change
            .or(Call::new(
                "get_order",
                json!({ "order_id": order.id }),
                "There is no such tool; look at the order instead.",
            ))
            .into(),
        Step::Wish(scene.say(&[
            "Change the quantity in an existing order.",
            "Edit the lines of an order that is not packed yet.",
        ])),
    ];
    ("Change the quantity in an order.".into(), steps)
}

pub(super) fn reply_to_customer(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Shipped, Status::Delivered]);
    let steps = vec![
        Step::ListPrompts,
        prompt("reply_to_customer", json!({ "order_id": order.id, "tone": "apologetic" })),
        Step::Together(vec![
            Call::new("get_order", json!({ "order_id": order.id }), "Get the facts for the reply."),
            Call::new(
                "track_parcel",
                json!({ "order_id": order.id }),
                "Get the parcel's state for the reply.",
            ),
        ]),
        Step::Read(format!("shop://order/{}", order.id)),
        Step::Think(2),
    ];
    ("Write a reply to a customer about a late parcel.".into(), steps)
}

pub(super) fn warranty(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Delivered]);
    let steps = vec![
        Step::ListResources,
        Step::Read("shop://policy/warranty".into()),
        Step::Read("shop://policy/returns".into()),
        Call::new("get_order", json!({ "order_id": order.id }), "See how old the tent is for the warranty.")
            .into(),
        Step::Wish(
            scene.say(&["Open a warranty claim for a product.", "Look up the warranty terms of a product."]),
        ),
    ];
    ("Handle a warranty question.".into(), steps)
}

pub(super) fn big_order(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let product = scene.product();
    let customer = scene.customer();
    let order = |quantity: u32, intent: &str| {
        let items = json!([{ "sku": product.sku, "quantity": quantity }]);
        Call::new("create_order", json!({ "customer_id": customer.id, "items": items }), intent)
    };
    let steps = vec![
        scene.stock(product.sku).into(),
        order(50, "Order 50 pieces for a school trip.")
            .or(order(20, "Take the largest quantity the shop allows."))
            .into(),
        Step::Wish(scene.say(&[
            "Order more than 20 pieces, with a quote for the whole lot.",
            "Check stock of many SKUs in one call.",
        ])),
    ];
    ("Order equipment for a school trip.".into(), steps)
}

pub(super) fn interrupted(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let product = scene.product();
    let quote = |speed: &str, intent: &str| {
        Call::new(
            "estimate_shipping",
            json!({ "skus": [product.sku], "country": "FI", "postcode": "33100", "speed": speed }),
            intent,
        )
    };
    let steps = vec![
        scene.search(product).into(),
        Step::Interrupted(
            quote("express", "Quote express delivery to Finland."),
            std::time::Duration::from_millis(40),
        ),
        quote("standard", "The person changed their mind: standard delivery is enough.").into(),
    ];
    ("Quote delivery to Finland.".into(), steps)
}

pub(super) fn order_number(scene: &mut Scene<'_>) -> (String, Vec<Step>) {
    let order = scene.order_in(&[Status::Delivered, Status::Shipped]);
    let digits = order.id.trim_start_matches("ORD-").to_owned();
    let get = |id: &str, intent: &str| Call::new("get_order", json!({ "order_id": id }), intent);
    let steps = vec![
        get(&digits, "Open the order the customer wrote about.")
            .or(get(&order.id, "Order numbers seem to start with ORD."))
            .into(),
        Call::new(
            "track_parcel",
            json!({ "tracking_number": "PX000000000" }),
            "Track the number from the customer's e-mail.",
        )
        .or(Call::new("track_parcel", json!({ "order_id": order.id }), "Track by the order instead."))
        .into(),
    ];
    ("Answer a customer who quotes a bare order number.".into(), steps)
}

fn prompt(name: &'static str, args: Value) -> Step {
    let args = match args {
        Value::Object(args) => args,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    Step::Prompt(name, args)
}
