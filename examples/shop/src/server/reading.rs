//! What the shop offers to read: resources, resource templates, prompts, completions.
//!
//! Called by the handler in the parent module. Invariant: a URI that is listed can be read.

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, PromptMessage, ReadResourceResponse,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Role,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::{ErrorData, prompt, prompt_router};
use serde::Deserialize;
use serde_json::json;

use super::Shop;
use crate::data::{self, CATEGORIES, Database, PRODUCTS};
use crate::options::Release;

const PAGES: [(&str, &str, &str); 5] = [
    (
        "shop://policy/returns",
        "Returns policy",
        "Goods can come back within 60 days of delivery, unused and with their tags. Ropes and harnesses are exempt \
         once unpacked. The refund goes to the card that paid, within five working days of arrival.",
    ),
    (
        "shop://policy/shipping",
        "Shipping policy",
        "Orders placed before 14:00 are packed the same day. Gas cartridges travel by road only. Parcels above 10 kg \
         need a signature.",
    ),
    (
        "shop://sizes/footwear",
        "Footwear sizes",
        "Talus boots run half a size small. EU 42 is UK 8 is 26.5 cm. Try boots on with the socks you will wear.",
    ),
    (
        "shop://sizes/packs",
        "Pack sizes",
        "Measure from the seventh vertebra to the top of the hip bone: below 45 cm take S, to 50 cm M, above L.",
    ),
    (
        "shop://stores",
        "Stores",
        "bergen: Strandgaten 20, 10:00 to 18:00. graz: Herrengasse 3, 9:00 to 18:00. lyon: Rue de Brest 12, 10:00 to \
         19:00. All closed on Sundays.",
    ),
];

/// The list of resources.
pub(super) fn resources() -> ListResourcesResult {
    let mut list: Vec<_> = PAGES
        .iter()
        .map(|(uri, name, text)| {
            let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
            Resource::new(*uri, *name).with_mime_type("text/plain").with_size(size)
        })
        .collect();
    list.push(Resource::new("shop://catalog", "Catalogue").with_mime_type("application/json"));
    ListResourcesResult::with_all_items(list)
}

/// The list of templates.
pub(super) fn templates() -> ListResourceTemplatesResult {
    ListResourceTemplatesResult::with_all_items(vec![
        ResourceTemplate::new("shop://product/{sku}", "Product page").with_mime_type("text/markdown"),
        ResourceTemplate::new("shop://order/{order_id}", "Order sheet").with_mime_type("text/markdown"),
    ])
}

/// Reads one resource.
pub(super) fn read(uri: &str, database: &Database) -> Result<ReadResourceResponse, ErrorData> {
    let contents = if let Some((_, _, text)) = PAGES.iter().find(|(known, _, _)| *known == uri) {
        ResourceContents::text(*text, uri)
    } else if uri == "shop://catalog" {
        let list: Vec<_> = PRODUCTS
            .iter()
            .map(|p| json!({ "sku": p.sku, "name": p.name, "category": p.category }))
            .collect();
        ResourceContents::text(serde_json::Value::from(list).to_string(), uri)
            .with_mime_type("application/json")
    } else if let Some(product) = uri.strip_prefix("shop://product/").and_then(data::product) {
        let text = format!(
            "# {}\n\n{}\n\n{} g, {} cents\n",
            product.name, product.about, product.weight_g, product.price_cents
        );
        ResourceContents::text(text, uri).with_mime_type("text/markdown")
    } else if let Some(order) = uri.strip_prefix("shop://order/").and_then(|id| database.order(id)) {
        let ships_to = database.customers.iter().find(|customer| customer.id == order.customer).map(|to| {
            format!("ships to {}, {}, {} {}, {}\n", to.name, to.street, to.postcode, to.city, to.country)
        });
        let text = format!(
            "# {}\n\nplaced {}, {}\n{}",
            order.id,
            order.placed,
            order.status.word(),
            ships_to.unwrap_or_default()
        );
        ResourceContents::text(text, uri).with_mime_type("text/markdown")
    } else {
        return Err(ErrorData::resource_not_found(
            format!("resource not found: {uri}"),
            Some(json!({ "uri": uri })),
        ));
    };
    Ok(ReadResourceResult::new(vec![contents]).into())
}

/// Values that complete an argument.
pub(super) fn complete(argument: &str, typed: &str) -> Vec<String> {
    let values: Vec<&str> = match argument {
        "sku" => PRODUCTS.iter().map(|product| product.sku).collect(),
        "category" => CATEGORIES.to_vec(),
        "season" => vec!["spring", "summer", "autumn", "winter"],
        _ => Vec::new(),
    };
    values.into_iter().filter(|value| value.starts_with(typed)).map(str::to_owned).collect()
}

/// Release 1.8.0 rewrote one description, so that the two releases list different definitions.
pub(super) fn say_release(tools: &mut ToolRouter<Shop>, release: Release) {
    if release < Release::V1_8_0 {
        tools.remove_route("compare_products");
        return;
    }
    if let Some(route) = tools.map.get_mut("create_return") {
        route.attr.description = Some(
            "Register a return with its reason and get the label. The order must have been delivered.".into(),
        );
    }
    if let Some(route) = tools.map.get_mut("check_stock") {
        let mut schema = (*route.attr.input_schema).clone();
        schema.insert("required".to_owned(), json!(["sku", "store"]));
        route.attr.input_schema = schema.into();
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct GearList {
    /// The trip, for example "hut tour".
    trip: String,
    /// The season.
    season: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ReplyToCustomer {
    /// The order the customer asks about.
    order_id: String,
    /// The tone, for example "apologetic".
    tone: Option<String>,
}

#[prompt_router(router = "shop_prompts", vis = "pub(super)")]
impl Shop {
    /// A packing list for a trip, made of products the shop has.
    #[prompt(name = "gear_list")]
    async fn gear_list(&self, Parameters(args): Parameters<GearList>) -> Vec<PromptMessage> {
        let season = args.season.as_deref().unwrap_or("summer");
        vec![PromptMessage::new_text(
            Role::User,
            format!(
                "Make a packing list for a {} in {season}. Use search_products for each item and check_stock before \
                 you recommend it; leave out what is not in stock.",
                args.trip
            ),
        )]
    }

    /// A reply to a customer who asks where an order is.
    #[prompt(name = "reply_to_customer")]
    async fn reply_to_customer(&self, Parameters(args): Parameters<ReplyToCustomer>) -> Vec<PromptMessage> {
        let tone = args.tone.as_deref().unwrap_or("friendly");
        vec![PromptMessage::new_text(
            Role::User,
            format!(
                "Write a {tone} reply about order {}. Use get_order and track_parcel for the facts.",
                args.order_id
            ),
        )]
    }
}
