//! The arguments of the shop's tools: their types are the schemas that clients see.
//!
//! Used by the tools beside this file. Invariant: the doc lines here are the descriptions an agent reads, so they are
//! written for it; what the server checks beyond the types is checked in the tools.

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

/// The categories of the catalogue.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Category {
    Tents,
    Sleeping,
    Packs,
    Footwear,
    Climbing,
    Cooking,
}

impl Category {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Tents => "tents",
            Self::Sleeping => "sleeping",
            Self::Packs => "packs",
            Self::Footwear => "footwear",
            Self::Climbing => "climbing",
            Self::Cooking => "cooking",
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SearchProducts {
    /// Words to look for in names and descriptions, for example "two person tent".
    pub(super) query: String,
    /// Only this category.
    pub(super) category: Option<Category>,
    /// Only products up to this price in euro.
    pub(super) max_price_eur: Option<f64>,
    /// At most this many results (1 to 20, default 10).
    #[schemars(range(min = 1, max = 20))]
    pub(super) limit: Option<usize>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GetProduct {
    /// The SKU: two letters, a dash and four digits, for example TN-2041.
    pub(super) sku: String,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CompareProducts {
    /// The SKUs of the products, two to four of them.
    #[schemars(length(min = 2, max = 4))]
    pub(super) skus: Vec<String>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CheckStock {
    /// The SKU of the product.
    pub(super) sku: String,
    /// One store only; without it all stores are asked.
    pub(super) store: Option<String>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

/// What is on the shelves, by store.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stock {
    /// The SKU that was asked for.
    pub(super) sku: String,
    /// Pieces that can be ordered now, by store.
    pub(super) available: std::collections::BTreeMap<String, u32>,
    /// The sum over the stores.
    pub(super) total: u32,
}

/// One line of an order.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Line {
    /// The SKU of the product.
    pub(super) sku: String,
    /// How many pieces, 1 to 20.
    pub(super) quantity: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CreateOrder {
    /// The customer's id, for example C-1003.
    pub(super) customer_id: String,
    /// What is ordered.
    pub(super) items: Vec<Line>,
    /// The day on which the parcel shall arrive. Leave it out for the earliest one.
    pub(super) delivery_date: Option<String>,
    /// A note for the warehouse, up to 200 characters.
    pub(super) note: Option<String>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GetOrder {
    /// The order's number, for example ORD-10417.
    pub(super) order_id: String,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

/// Where an order is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OrderStatus {
    Received,
    Packed,
    Shipped,
    Delivered,
    Cancelled,
}

impl OrderStatus {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListOrders {
    /// Only orders of this customer.
    pub(super) customer_id: Option<String>,
    /// Only orders in this status.
    pub(super) status: Option<OrderStatus>,
    /// Only orders placed on or after this date.
    pub(super) placed_after: Option<String>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CancelOrder {
    /// The order's number.
    pub(super) order_id: String,
    /// Why the customer cancels, in a few words.
    pub(super) reason: String,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ApplyDiscount {
    /// The order's number.
    pub(super) order_id: String,
    /// The discount in per cent, 1 to 40.
    pub(super) percent: u32,
    /// E-mail of the person you act for; the discount is booked in this name.
    pub(super) user: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speed {
    Standard,
    Express,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct EstimateShipping {
    /// The SKUs that would be sent.
    pub(super) skus: Vec<String>,
    /// The destination country.
    pub(super) country: String,
    /// The destination postcode.
    pub(super) postcode: String,
    /// Standard (default) or express.
    pub(super) speed: Option<Speed>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

/// One of the two names of a parcel must be given; the schema says so at its root.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("anyOf" = [{"required": ["order_id"]}, {"required": ["tracking_number"]}]))]
pub(super) struct TrackParcel {
    /// The order's number.
    pub(super) order_id: Option<String>,
    /// The carrier's number: PX and nine digits.
    pub(super) tracking_number: Option<String>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CreateReturn {
    /// The order's number.
    pub(super) order_id: String,
    /// The SKU that comes back.
    pub(super) sku: String,
    /// Why it comes back.
    pub(super) reason: String,
    /// How many pieces, default 1.
    pub(super) quantity: Option<u32>,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}

/// A postal address.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Address {
    /// Street and house number.
    pub(super) street: String,
    /// Postcode as the country writes it.
    pub(super) postcode: String,
    /// City.
    pub(super) city: String,
    /// Country.
    pub(super) country: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct UpdateAddress {
    /// The customer's id.
    pub(super) customer_id: String,
    /// The new address; it replaces the old one as a whole.
    pub(super) address: Address,
    /// E-mail of the person you act for.
    #[serde(rename = "user")]
    pub(super) _user: Option<String>,
}
