//! What a change of a role ended.

/// How many people have to refresh, if any.
pub(super) fn ended(tokens_of: usize) -> String {
    match tokens_of {
        0 => String::new(),
        1 => "; ended the access tokens of 1 user".to_owned(),
        many => format!("; ended the access tokens of {many} users"),
    }
}
