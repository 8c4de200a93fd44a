//! The tools around parcels and addresses: `estimate_shipping`, `track_parcel`, `create_return`, `update_address`.
//!
//! Part of [`Shop`]. The carrier is slow and sometimes away; release 1.8.0 refuses free-text return reasons with a
//! message that does not say what it wants.

use jiff::ToSpan;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::{tool, tool_router};
use serde_json::json;

use super::args::{CreateReturn, EstimateShipping, Speed, TrackParcel, UpdateAddress};
use super::fault::{answer, is_country, refuse};
use super::orders::missing_order;
use super::{Answer, Shop};
use crate::chance::hash;
use crate::data::{self, Status};
use crate::options::Release;

/// The reason codes of release 1.8.0.
pub(crate) const RETURN_CODES: [&str; 4] = ["DAMAGED", "WRONG_ITEM", "WRONG_SIZE", "CHANGED_MIND"];

#[tool_router(router = delivery_tools, vis = "pub(super)")]
impl Shop {
    /// Price and days of a shipment, asked from the carrier.
    #[tool(annotations(title = "Estimate shipping", read_only_hint = true, open_world_hint = true))]
    async fn estimate_shipping(&self, Parameters(args): Parameters<EstimateShipping>) -> Answer {
        if !is_country(&args.country) {
            return Ok(refuse("country must match ^[A-Z]{2}$"));
        }
        if args.skus.is_empty() {
            return Ok(refuse("skus is empty: name at least one SKU"));
        }
        let mut grams = 0;
        for sku in &args.skus {
            match data::product(sku) {
                Some(product) => grams += product.weight_g,
                None => return Ok(refuse(format!("no product with SKU {sku}"))),
            }
        }
        if let Some(away) = self.carrier_away("estimate_shipping", &args.postcode).await {
            return Ok(away);
        }
        self.work(&format!("{} {}", args.country, args.postcode), 120, 380).await;
        let (factor, days) = match args.speed.unwrap_or(Speed::Standard) {
            Speed::Standard => (1.0, 3 + hash(3, &args.country) % 4),
            Speed::Express => (2.6, 1),
        };
        let price = (490.0 + f64::from(grams) * 0.11) * factor;
        Ok(answer(json!({ "price_eur": price.round() / 100.0, "days": days, "weight_g": grams })))
    }

    /// Where a parcel is. Give the order's number or the carrier's tracking number.
    #[tool(annotations(title = "Track parcel", read_only_hint = true, open_world_hint = true))]
    async fn track_parcel(&self, Parameters(args): Parameters<TrackParcel>) -> Answer {
        let number = match (&args.tracking_number, &args.order_id) {
            (Some(number), _) => number.clone(),
            (None, Some(id)) => match self.database().order(id) {
                Some(order) => order.tracking.clone(),
                None => return Ok(missing_order(id)),
            },
            (None, None) => return Ok(refuse("give order_id or tracking_number")),
        };
        if !(number.starts_with("PX") && number.len() == 11) {
            return Ok(refuse(format!("invalid tracking number {number:?}")));
        }
        if let Some(away) = self.carrier_away("track_parcel", &number).await {
            return Ok(away);
        }
        self.work(&number, 80, 250).await;
        let database = self.database();
        let Some(order) = database.orders.iter().find(|order| order.tracking == number) else {
            return Ok(refuse(format!("the carrier does not know parcel {number}")));
        };
        let sent = order.placed.saturating_add(2.days());
        Ok(match order.status {
            Status::Received | Status::Packed | Status::Cancelled => {
                refuse(format!("order {} is {}: it has no parcel yet", order.id, order.status.word()))
            }
            Status::Shipped => answer(json!({
                "tracking_number": number, "state": "in transit", "sent": sent.to_string(),
                "expected": sent.saturating_add(4.days()).to_string(), "last_scan": "sorting centre",
            })),
            Status::Delivered => answer(json!({
                "tracking_number": number, "state": "delivered", "sent": sent.to_string(),
                "delivered": sent.saturating_add(4.days()).to_string(),
            })),
        })
    }

    /// Register a return and get the label. The order must have been delivered.
    #[tool(annotations(title = "Create return", read_only_hint = false, destructive_hint = false))]
    async fn create_return(&self, Parameters(args): Parameters<CreateReturn>) -> Answer {
        self.work(&args.order_id, 60, 160).await;
        if self.options.release >= Release::V1_8_0 && !RETURN_CODES.contains(&args.reason.as_str()) {
            return Ok(refuse("unprocessable entity: reason"));
        }
        if let Some(locked) = self.locked("create_return", &format!("order {}", args.order_id)).await {
            return Ok(locked);
        }
        let database = self.database();
        let Some(order) = database.order(&args.order_id) else {
            return Ok(missing_order(&args.order_id));
        };
        if order.status != Status::Delivered {
            return Ok(refuse(format!(
                "order {} is {}: a return can be registered once it is delivered",
                order.id,
                order.status.word()
            )));
        }
        let Some((sku, ordered)) = order.lines.iter().find(|(sku, _)| *sku == args.sku) else {
            let skus: Vec<_> = order.lines.iter().map(|(sku, _)| *sku).collect();
            return Ok(refuse(format!("order {} has no {}; it has {}", order.id, args.sku, skus.join(", "))));
        };
        let quantity = args.quantity.unwrap_or(1);
        if quantity == 0 || quantity > *ordered {
            return Ok(refuse(format!("quantity {quantity} exceeds the {ordered} that were ordered")));
        }
        let label = hash(23, &order.id) >> 40;
        Ok(answer(json!({
            "return_id": format!("RET-{}", label % 90_000 + 10_000),
            "order_id": order.id, "sku": sku, "quantity": quantity,
            "label_url": format!("https://shop.example/labels/{label:06x}.pdf"),
        })))
    }

    /// Replace a customer's postal address.
    #[tool(annotations(title = "Update address", read_only_hint = false, idempotent_hint = true))]
    async fn update_address(&self, Parameters(args): Parameters<UpdateAddress>) -> Answer {
        self.work(&args.customer_id, 30, 90).await;
        let address = &args.address;
        if !is_country(&address.country) || address.street.trim().is_empty() || address.city.trim().is_empty()
        {
            return Ok(refuse("invalid address"));
        }
        if !address.postcode.bytes().any(|byte| byte.is_ascii_digit()) {
            return Ok(refuse(format!("invalid postcode {:?} for {}", address.postcode, address.country)));
        }
        if let Some(locked) = self.locked("update_address", &format!("customer {}", args.customer_id)).await {
            return Ok(locked);
        }
        let known = self.database().customers.iter().any(|customer| customer.id == args.customer_id);
        if !known {
            return Ok(refuse(format!("no customer {}", args.customer_id)));
        }
        Ok(answer(json!({
            "customer_id": args.customer_id,
            "address": format!("{}, {} {}, {}", address.street, address.postcode, address.city, address.country),
        })))
    }
}
