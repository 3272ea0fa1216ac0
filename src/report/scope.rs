//! What of a whole run was played, in words.

use castspec_judging::outcome::Scope;

/// What of a whole run was played, in words; nothing where it was all of it.
pub(super) fn told(scope: &Scope) -> Option<String> {
    let selection = match scope.selection.as_slice() {
        [] => None,
        selectors => Some(format!("a selection: {}", selectors.join(", "))),
    };
    let shares = scope.shares.as_ref().map(ToString::to_string);
    match (selection, shares) {
        (Some(selection), Some(shares)) => Some(format!("{shares} of {selection}")),
        (selection, shares) => selection.or(shares),
    }
}
