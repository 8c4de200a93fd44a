//! The tools that look things up in the catalogue: `search_products`, `get_product`, `compare_products`, `check_stock`.
//!
//! Part of [`Shop`]. `check_stock` answers with a declared output schema; the product with a damaged stock row never
//! answers, so that an agent can be seen asking in a loop.

use std::collections::BTreeMap;

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{ErrorData, tool, tool_router};
use serde_json::json;

use super::args::{CheckStock, CompareProducts, GetProduct, SearchProducts, Stock};
use super::fault::{answer, is_sku, refuse};
use super::{Answer, Shop};
use crate::data::{self, DAMAGED_SKU, PRODUCTS, Product, STORES};
use crate::options::Release;

#[tool_router(router = catalog_tools, vis = "pub(super)")]
impl Shop {
    /// Search the catalogue by words. Gives SKU, name, category and price of each product found, best match first.
    #[tool(annotations(title = "Search products", read_only_hint = true, open_world_hint = false))]
    async fn search_products(&self, Parameters(args): Parameters<SearchProducts>) -> Answer {
        self.work(&args.query, 20, 90).await;
        if let Some(refused) = self.too_many_searches() {
            return Ok(refused);
        }
        if args.query.trim().is_empty() {
            return Ok(refuse("query is empty"));
        }
        let limit = args.limit.unwrap_or(10).clamp(1, 20);
        let mut found: Vec<(usize, &Product)> = PRODUCTS
            .iter()
            .filter(|product| args.category.is_none_or(|category| product.category == category.word()))
            .filter(|product| {
                args.max_price_eur.is_none_or(|max| f64::from(product.price_cents) / 100.0 <= max)
            })
            .map(|product| (score(product, &args.query), product))
            .filter(|(score, _)| *score > 0)
            .collect();
        found.sort_by_key(|(score, product)| (std::cmp::Reverse(*score), product.sku));
        found.truncate(limit);
        let products: Vec<_> = found.iter().map(|(_, product)| short(product)).collect();
        Ok(answer(json!({ "count": products.len(), "products": products })))
    }

    /// All details of one product: description, price, weight.
    #[tool(annotations(title = "Get product", read_only_hint = true, open_world_hint = false))]
    async fn get_product(&self, Parameters(args): Parameters<GetProduct>) -> Answer {
        self.work(&args.sku, 5, 30).await;
        if !is_sku(&args.sku) {
            return Ok(refuse(format!(
                "{:?} is not a SKU: a SKU is two capital letters, a dash and four digits, e.g. TN-2041; \
                 search_products finds it by name",
                args.sku
            )));
        }
        let Some(product) = data::product(&args.sku) else {
            return Ok(refuse(format!("no product with SKU {}", args.sku)));
        };
        let mut details = short(product);
        details["weight_g"] = json!(product.weight_g);
        details["description"] = json!(product.about);
        Ok(answer(details))
    }

    /// Two to four products side by side: price, weight and description of each, and which one is lightest and cheapest.
    #[tool(annotations(title = "Compare products", read_only_hint = true, open_world_hint = false))]
    async fn compare_products(&self, Parameters(args): Parameters<CompareProducts>) -> Answer {
        self.work(&args.skus.join(" "), 10, 40).await;
        let mut products = Vec::new();
        for sku in &args.skus {
            match data::product(sku) {
                Some(product) => products.push(product),
                None => return Ok(refuse(format!("no product with SKU {sku}"))),
            }
        }
        let least =
            |of: fn(&Product) -> u32| products.iter().min_by_key(|product| of(product)).map(|p| p.sku);
        let rows: Vec<_> = products.iter().map(|product| short(product)).collect();
        Ok(answer(
            json!({ "products": rows, "lightest": least(|p| p.weight_g), "cheapest": least(|p| p.price_cents) }),
        ))
    }

    /// Pieces in stock now, by store. Takes a moment: the stores are asked live.
    #[tool(
        output_schema = rmcp::handler::server::common::schema_for_output::<Stock>(),
        annotations(title = "Check stock", read_only_hint = true)
    )]
    async fn check_stock(
        &self,
        Parameters(args): Parameters<CheckStock>,
    ) -> Result<Result<Json<Stock>, String>, ErrorData> {
        self.pool_dry("check_stock", &args.sku)?;
        self.work(&args.sku, 50, 150).await;
        Ok(self.stock(args).await.map(Json))
    }
}

impl Shop {
    async fn stock(&self, args: CheckStock) -> Result<Stock, String> {
        if data::product(&args.sku).is_none() {
            return Err("bad request".into());
        }
        if self.options.release >= Release::V1_8_0 && args.store.is_none() {
            return Err(format!("store is required: one of {}", STORES.join(", ")));
        }
        if args.sku == DAMAGED_SKU {
            return Err(format!(
                "internal error: stock row of {DAMAGED_SKU} is inconsistent (3 locations, 2 counts)"
            ));
        }
        let (attempt, drawn) = self.luck.draw(&format!("stock {}", args.sku));
        if drawn < 3 && attempt == 1 {
            return Err(format!("timed out after 150 ms while asking store {}; try again", STORES[1]));
        }
        let stores: Vec<&str> = match args.store.as_deref() {
            None => STORES.to_vec(),
            Some(store) => match STORES.iter().find(|known| **known == store) {
                Some(known) => vec![known],
                None => return Err(format!("unknown store {store:?}: the stores are {}", STORES.join(", "))),
            },
        };
        let available: BTreeMap<String, u32> =
            stores.into_iter().map(|store| (store.to_owned(), data::stock(&args.sku, store))).collect();
        let total = available.values().sum();
        Ok(Stock { sku: args.sku, available, total })
    }
}

fn short(product: &Product) -> serde_json::Value {
    json!({
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "price_eur": f64::from(product.price_cents) / 100.0,
    })
}

/// How many words of the query a product has; a word in the name counts three times.
fn score(product: &Product, query: &str) -> usize {
    let (name, about) = (product.name.to_lowercase(), product.about.to_lowercase());
    query
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2)
        .map(|word| {
            let word = word.strip_suffix('s').unwrap_or(word);
            3 * usize::from(name.contains(word))
                + usize::from(about.contains(word))
                + usize::from(product.category.contains(word))
        })
        .sum()
}
