//! A strict little HTML reader for tests: tags, attributes and text as a browser's tokenizer would see them.

/// A read document.
pub(super) struct Page {
    tags: Vec<Tag>,
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    /// Text up to the next tag.
    text: String,
    closing: bool,
}

/// Elements our views make; anything else came from captured text.
const KNOWN: &[&str] = &[
    "html",
    "head",
    "body",
    "meta",
    "title",
    "link",
    "script",
    "a",
    "div",
    "header",
    "main",
    "footer",
    "nav",
    "section",
    "aside",
    "h1",
    "h2",
    "h3",
    "p",
    "b",
    "span",
    "bdi",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "form",
    "input",
    "button",
    "label",
    "kbd",
    "svg",
    "path",
    "line",
    "rect",
    "circle",
    "text",
    "defs",
    "pattern",
    "figure",
    "figcaption",
    "time",
    "pre",
    "blockquote",
    "ins",
    "del",
    "small",
    "select",
    "textarea",
    "option",
    "code",
    "col",
    "colgroup",
];

impl Page {
    /// Reads markup; panics on a tag that does not end.
    pub(super) fn read(html: &str) -> Self {
        let mut tags = Vec::new();
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            let after = &rest[start + 1..];
            if after.starts_with('!') {
                rest = &after[after.find('>').unwrap()..];
                continue;
            }
            let closing = after.starts_with('/');
            let after = after.trim_start_matches('/');
            let name_end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
            let (name, mut tail) = after.split_at(name_end);
            assert!(!name.is_empty(), "a bare < at: {:?}", &rest[start..rest.len().min(start + 60)]);
            let mut attributes = Vec::new();
            loop {
                tail = tail.trim_start_matches([' ', '/']);
                if let Some(end) = tail.strip_prefix('>') {
                    tail = end;
                    break;
                }
                let end = tail.find(['=', ' ', '>']).unwrap();
                let key = tail[..end].to_owned();
                tail = &tail[end..];
                let mut value = String::new();
                if let Some(quoted) = tail.strip_prefix("=\"") {
                    let end = quoted.find('"').unwrap();
                    value = unescape(&quoted[..end]);
                    tail = &quoted[end + 1..];
                } else if let Some(bare) = tail.strip_prefix('=') {
                    let end = bare.find([' ', '>']).unwrap();
                    value = unescape(&bare[..end]);
                    tail = &bare[end..];
                }
                assert!(!key.is_empty(), "an attribute without a name in <{name}>");
                attributes.push((key, value));
            }
            let next = tail.find('<').unwrap_or(tail.len());
            tags.push(Tag { name: name.to_owned(), attributes, text: unescape(&tail[..next]), closing });
            rest = &tail[next..];
        }
        Self { tags }
    }

    /// Nothing in it runs, loads from elsewhere or is an element that captured text made.
    pub(super) fn assert_inert(&self, at: &str) {
        for tag in self.open() {
            assert!(KNOWN.contains(&tag.name.as_str()), "{at}: <{}>", tag.name);
            for (key, value) in &tag.attributes {
                assert!(
                    !key.starts_with("on") && key != "style" && key != "srcdoc",
                    "{at}: {key} on <{}>",
                    tag.name
                );
                assert!(!key.starts_with("hx-on") && key != "hx-vals", "{at}: {key}");
                if ["href", "src", "action", "hx-get"].contains(&key.as_str()) {
                    let own = (value.starts_with('/') && !value.starts_with("//")) || value.starts_with('#');
                    assert!(own, "{at}: {key}={value}");
                }
            }
            if tag.name == "script" {
                let src = attribute(tag, "src").unwrap_or_default();
                assert!(src.starts_with("/assets/") && tag.text.trim().is_empty(), "{at}: inline script");
            }
        }
    }

    /// How many elements.
    pub(super) fn elements(&self) -> usize {
        self.open().count()
    }

    /// How many of this name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.open().filter(|t| t.name == name).count()
    }

    /// How many with this `data-testid`.
    pub(super) fn testid(&self, id: &str) -> usize {
        self.open().filter(|t| attribute(t, "data-testid") == Some(id)).count()
    }

    /// An attribute of the element with this `id`.
    pub(super) fn attribute(&self, id: &str, name: &str) -> String {
        let tag = self.open().find(|t| attribute(t, "id") == Some(id)).unwrap();
        attribute(tag, name).unwrap().to_owned()
    }

    /// Every value of an attribute.
    pub(super) fn attributes(&self, name: &str) -> Vec<String> {
        self.open().filter_map(|t| attribute(t, name)).map(str::to_owned).collect()
    }

    /// Every `href` of an `a`, and every form's target that is fetched.
    pub(super) fn links(&self) -> Vec<String> {
        let of = |t: &&Tag| t.name == "a" || t.name == "link" || t.name == "script";
        self.open()
            .filter(of)
            .filter_map(|t| attribute(t, "href").or(attribute(t, "src")))
            .map(|l| l.split('#').next().unwrap_or("").to_owned())
            .collect()
    }

    /// All text after the element with this `data-testid` began.
    pub(super) fn text_of(&self, testid: &str) -> String {
        let start = self.tags.iter().position(|t| attribute(t, "data-testid") == Some(testid)).unwrap();
        self.tags[start..].iter().map(|t| t.text.as_str()).collect()
    }

    fn open(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(|t| !t.closing)
    }
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attributes.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn the_reader_sees_what_captured_text_would_make() {
    let page = Page::read("<p title=\"a&quot;b\">x &lt;b&gt;</p><img src=x onerror=alert(1)>");
    assert_eq!((page.count("p"), page.count("b"), page.count("img")), (1, 0, 1));
    assert!(std::panic::catch_unwind(|| page.assert_inert("test")).is_err());
}
