//! Where everything in a YAML file stands: a tree of its nodes with their places, beside the document as types.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, Spanned};

/// How deep nodes may lie in one another. A Bundle in a context takes 15; twice as deep still fits the stack of a thread.
const DEPTH: usize = 32;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column in characters, from 1; 0 where it is not known.
    pub column: u64,
    /// How long what stands there is, in bytes; 0 where it is not known.
    pub length: usize,
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
            length: location
                .span()
                .byte_len()
                .and_then(|length| usize::try_from(length).ok())
                .unwrap_or(0),
        }
    }
}

/// A node of a file and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where it begins.
    pub place: Place,
    /// The content.
    pub content: Content,
}

/// The content of a node.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Nothing, or `null`.
    Nothing,
    /// A text, number, or truth value.
    Scalar,
    /// A list.
    List(Vec<Node>),
    /// A map: names, where they stand, and their values.
    Map(Vec<(String, Place, Node)>),
}

impl Node {
    /// Reads the tree of a file.
    ///
    /// # Errors
    /// When it is no YAML, or nests too deep.
    pub fn read(text: &str) -> Result<Self, Error> {
        read::<Spanned<Raw>>(text).map(|raw| raw.into())
    }

    /// The value of a member of a map.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let mut members = self.members().iter();
        members.find(|(key, _, _)| key == name).map(|(_, _, node)| node)
    }

    /// The value of a member of a map; this node itself where there is none.
    pub fn field(&self, name: &str) -> &Self {
        self.member(name).unwrap_or(self)
    }

    /// Where the name of a member stands; where this node stands when there is none.
    pub fn key(&self, name: &str) -> Place {
        match &self.content {
            Content::Map(members) => members
                .iter()
                .find(|(key, _, _)| key == name)
                .map_or(self.place, |(_, place, _)| *place),
            _ => self.place,
        }
    }

    /// An item of a list; this node itself where there is none.
    pub fn item(&self, index: usize) -> &Self {
        match &self.content {
            Content::List(items) => items.get(index).unwrap_or(self),
            _ => self,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The members of a map: names, where they stand, and their values.
    pub fn members(&self) -> &[(String, Place, Self)] {
        match &self.content {
            Content::Map(members) => members,
            _ => &[],
        }
    }

    /// The kind of content, as error messages name it.
    pub fn kind(&self) -> &'static str {
        match self.content {
            Content::Nothing => "nothing",
            Content::Scalar => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}

/// Reads YAML within bounds that keep hostile files harmless.
///
/// # Errors
/// When it is no YAML, nests too deep, or is not of the type.
pub(crate) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH },
    };
    serde_saphyr::from_str_with_options(text, options)
}

enum Raw {
    Nothing,
    Scalar,
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl From<Spanned<Raw>> for Node {
    fn from(raw: Spanned<Raw>) -> Self {
        let content = match raw.value {
            Raw::Nothing => Content::Nothing,
            Raw::Scalar => Content::Scalar,
            Raw::List(items) => Content::List(items.into_iter().map(Self::from).collect()),
            Raw::Map(members) => Content::Map(
                members
                    .into_iter()
                    .map(|(name, node)| (name.value, name.referenced.into(), node.into()))
                    .collect(),
            ),
        };
        Self {
            place: raw.referenced.into(),
            content,
        }
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_knows_its_place() {
        let text = "title: ä b\nsteps:\n  - publish: {by: viewer, n: null}\n";
        let tree = Node::read(text).unwrap();
        assert_eq!(tree.key("steps").line, 2);
        let publish = tree.field("steps").item(0).field("publish");
        let viewer = publish.field("by").place;
        assert_eq!((viewer.line, viewer.column, viewer.length), (3, 19, 6));
        assert_eq!(publish.key("n").column, 27);
        assert_eq!(publish.field("n").kind(), "nothing");
        assert_eq!(publish.field("unknown").place, publish.place);
    }

    #[test]
    fn what_nests_too_deep_is_refused() {
        for depth in [DEPTH + 1, 100, 10_000] {
            assert!(Node::read(&"[".repeat(depth)).is_err());
            assert!(Node::read(&"{a: ".repeat(depth)).is_err());
            assert!(Node::read(&"- ".repeat(depth)).is_err());
        }
        assert!(Node::read(&format!("{}1{}", "[".repeat(DEPTH), "]".repeat(DEPTH))).is_ok());
    }
}
