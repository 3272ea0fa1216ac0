//! Parts of a JSON pointer (RFC 6901), in which `~` and `/` of a member's name are escaped.

/// The name of a member as a part of a pointer: `hub/mode` is `hub~1mode`.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name of the member that a part of a pointer stands for.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The pointer to a member of the object that a pointer leads to.
pub fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", escaped(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_leads_to_the_member_whatever_its_name() {
        for name in ["event", "", "a/b", "~", "~1", "~01", "/~/"] {
            let value = json!({"at": {name: "found"}});
            assert_eq!(
                value.pointer(&member("/at", name)),
                Some(&json!("found")),
                "{name}"
            );
            assert_eq!(unescaped(&escaped(name)), name);
        }
    }
}
