//! Advance keys: performs the steps that are due at the present time. The next key becomes the current key after it was
//! published for long enough. A retired key is deleted after its last token has expired.

use crate::{
    domain::audit_event::RequestContext,
    flows::{
        Vestibule,
        open::keys::activate_keys,
        steps::signing::{self, Advanced},
    },
    store,
};

/// Performs the steps that are due at `context.now`, and reloads the keys. Returns the steps that were performed. Does not
/// access the database if no step is due according to the keys in memory.
pub async fn advance_keys(vestibule: &Vestibule, context: &RequestContext) -> store::Result<Advanced> {
    if !vestibule.keyring.keys().is_outdated(context.now) {
        return Ok(Advanced::default());
    }
    let (longest, context) = (signing::longest_acceptance(&vestibule.config), context.clone());
    let advanced = vestibule.store.write(async move |tx| signing::advance(tx, longest, &context).await).await?;
    activate_keys(vestibule).await;
    Ok(advanced)
}
