//! The tools around orders: `create_order`, `get_order`, `list_orders`, `cancel_order`, `apply_discount`.
//!
//! Part of [`Shop`]. Writes may meet a row lock; dates are strict; discounts above a limit need a supervisor.

use jiff::civil::Date;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};
use serde_json::json;

use super::args::{ApplyDiscount, CancelOrder, CreateOrder, GetOrder, ListOrders};
use super::fault::{answer, refuse};
use super::{Answer, Shop};
use crate::data::{self, Order, Status};

/// People who may give more than [`FREE_DISCOUNT`].
pub(crate) const SUPERVISORS: [&str; 2] = ["ana@acme.example", "grete@acme.example"];

/// The discount in per cent that everybody may give.
const FREE_DISCOUNT: u32 = 10;

#[tool_router(router = order_tools, vis = "pub(super)")]
impl Shop {
    /// Place an order for a customer. Check stock first. Gives the order's number and the total.
    #[tool(annotations(title = "Create order", read_only_hint = false, destructive_hint = false))]
    async fn create_order(&self, Parameters(args): Parameters<CreateOrder>) -> Answer {
        self.work(&args.customer_id, 90, 200).await;
        self.pool_dry("create_order", &args.customer_id)?;
        if let Some(text) = self.wrong_order(&args) {
            return Ok(refuse(text));
        }
        if let Some(locked) = self.locked("create_order", &format!("customer {}", args.customer_id)).await {
            return Ok(locked);
        }
        let mut database = self.database();
        let Some(customer) = database.customers.iter().find(|customer| customer.id == args.customer_id)
        else {
            return Ok(refuse(format!("no customer {}", args.customer_id)));
        };
        let order = Order {
            id: format!("ORD-{}", 20_000 + database.orders.len()),
            customer: customer.id,
            placed: database.today,
            status: Status::Received,
            lines: args
                .items
                .iter()
                .filter_map(|line| data::product(&line.sku).map(|product| (product.sku, line.quantity)))
                .collect(),
            tracking: String::new(),
            discount_percent: 0,
        };
        let view = view(&order);
        database.orders.push(order);
        Ok(answer(view))
    }

    /// One order: customer, lines, status, total, tracking number.
    #[tool(annotations(title = "Get order", read_only_hint = true, open_world_hint = false))]
    async fn get_order(&self, Parameters(args): Parameters<GetOrder>) -> Answer {
        self.work(&args.order_id, 8, 45).await;
        self.pool_dry("get_order", &args.order_id)?;
        Ok(match self.database().order(&args.order_id) {
            Some(order) => answer(view(order)),
            None => missing_order(&args.order_id),
        })
    }

    /// Orders, newest first, at most 20.
    #[tool(annotations(title = "List orders", read_only_hint = true, open_world_hint = false))]
    async fn list_orders(&self, Parameters(args): Parameters<ListOrders>) -> Answer {
        self.work("list_orders", 15, 70).await;
        let after = match args.placed_after.as_deref().map(|text| text.parse::<Date>()).transpose() {
            Ok(after) => after,
            Err(error) => {
                return Ok(refuse(format!(
                    "placed_after {:?} is not a date of the form YYYY-MM-DD: {error}",
                    args.placed_after.unwrap_or_default()
                )));
            }
        };
        let database = self.database();
        let orders: Vec<_> = database
            .orders
            .iter()
            .rev()
            .filter(|order| args.customer_id.as_deref().is_none_or(|id| order.customer == id))
            .filter(|order| args.status.is_none_or(|status| order.status.word() == status.word()))
            .filter(|order| after.is_none_or(|after| order.placed >= after))
            .take(20)
            .map(view)
            .collect();
        Ok(answer(json!({ "count": orders.len(), "orders": orders })))
    }

    /// Cancel an order that has not left the warehouse yet.
    #[tool(annotations(title = "Cancel order", read_only_hint = false, destructive_hint = true))]
    async fn cancel_order(&self, Parameters(args): Parameters<CancelOrder>) -> Answer {
        self.work(&args.order_id, 40, 120).await;
        if let Some(locked) = self.locked("cancel_order", &format!("order {}", args.order_id)).await {
            return Ok(locked);
        }
        if args.reason.trim().is_empty() {
            return Ok(refuse("reason is empty: say in a few words why the customer cancels"));
        }
        let mut database = self.database();
        let Some(order) = database.orders.iter_mut().find(|order| order.id == args.order_id) else {
            return Ok(missing_order(&args.order_id));
        };
        match order.status {
            Status::Received | Status::Packed => {
                order.status = Status::Cancelled;
                Ok(answer(
                    json!({ "order_id": order.id, "status": "cancelled", "refund_eur": euro(order.total_cents()) }),
                ))
            }
            Status::Shipped | Status::Delivered => Ok(refuse(format!(
                "conflict: order {} is already {}; only received and packed orders can be cancelled",
                order.id,
                order.status.word()
            ))),
            Status::Cancelled => Ok(refuse(format!("conflict: order {} is already cancelled", order.id))),
        }
    }

    /// Give a discount on an order, in per cent of its total.
    #[tool(annotations(title = "Apply discount", read_only_hint = false, idempotent_hint = true))]
    async fn apply_discount(&self, Parameters(args): Parameters<ApplyDiscount>) -> Answer {
        self.work(&args.order_id, 20, 60).await;
        if !(1..=40).contains(&args.percent) {
            return Ok(refuse("invalid percent"));
        }
        let user = args.user.as_deref().unwrap_or("nobody");
        if args.percent > FREE_DISCOUNT && !SUPERVISORS.contains(&user) {
            return Ok(refuse(format!(
                "permission denied: discounts above {FREE_DISCOUNT} % need the role supervisor, {user} does not have it"
            )));
        }
        if let Some(locked) = self.locked("apply_discount", &format!("order {}", args.order_id)).await {
            return Ok(locked);
        }
        let mut database = self.database();
        let Some(order) = database.orders.iter_mut().find(|order| order.id == args.order_id) else {
            return Ok(missing_order(&args.order_id));
        };
        order.discount_percent = args.percent;
        Ok(answer(view(order)))
    }
}

impl Shop {
    /// What is wrong with a new order, if anything is.
    fn wrong_order(&self, args: &CreateOrder) -> Option<String> {
        if args.items.is_empty() {
            return Some("items is empty: an order needs at least one line".into());
        }
        for line in &args.items {
            if data::product(&line.sku).is_none() {
                return Some(format!("no product with SKU {}", line.sku));
            }
            if !(1..=20).contains(&line.quantity) {
                return Some(format!("quantity {} of {} is out of range 1 to 20", line.quantity, line.sku));
            }
        }
        if args.note.as_ref().is_some_and(|note| note.chars().count() > 200) {
            return Some("note is longer than 200 characters".into());
        }
        let text = args.delivery_date.as_deref()?;
        let Ok(day) = text.parse::<Date>() else {
            return Some(format!(
                "delivery_date {text:?} is not a date of the form YYYY-MM-DD, e.g. 2026-12-24"
            ));
        };
        (day <= self.options.today).then(|| format!("delivery_date {day} is not in the future"))
    }
}

pub(super) fn missing_order(id: &str) -> CallToolResult {
    refuse(format!("order {id} not found"))
}

fn view(order: &Order) -> serde_json::Value {
    let lines: Vec<_> = order.lines.iter().map(|(sku, n)| json!({ "sku": sku, "quantity": n })).collect();
    json!({
        "order_id": order.id,
        "customer_id": order.customer,
        "placed": order.placed.to_string(),
        "status": order.status.word(),
        "items": lines,
        "discount_percent": order.discount_percent,
        "total_eur": euro(order.total_cents()),
        "tracking_number": matches!(order.status, Status::Shipped | Status::Delivered).then_some(&order.tracking),
    })
}

fn euro(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}
