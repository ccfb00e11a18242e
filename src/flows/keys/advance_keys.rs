//! Advance keys: what time does to them. The next key becomes the current one once it was published for long enough, and
//! one whose last token is over leaves.

use crate::{
    domain::audit_event::RequestContext,
    flows::{
        Vestibule,
        open::keys::put_keys_in_force,
        steps::signing::{self, Advanced},
    },
    store,
};

/// Does what is due at `origin.now`; does not ask the database where nothing is. In force when it returns.
///
/// # Errors
/// [`store::Error`].
pub async fn advance_keys(vestibule: &Vestibule, context: &RequestContext) -> store::Result<Advanced> {
    if !vestibule.keyring.keys().is_due(context.now) {
        return Ok(Advanced::default());
    }
    let (longest, context) = (signing::longest_acceptance(&vestibule.config), context.clone());
    let advanced = vestibule.store.write(async move |tx| signing::advance(tx, longest, &context).await).await?;
    put_keys_in_force(vestibule).await;
    Ok(advanced)
}
