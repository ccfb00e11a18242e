//! The report about access tokens that a change of a role invalidated.

/// Returns the report for the end of a message. `tokens_of` is the number of users whose access tokens are invalid now. Returns
/// an empty text for 0.
pub(super) fn invalidated_tokens_note(tokens_of: usize) -> String {
    match tokens_of {
        0 => String::new(),
        1 => "; invalidated the access tokens of 1 user".to_owned(),
        many => format!("; invalidated the access tokens of {many} users"),
    }
}
