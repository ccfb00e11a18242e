//! Advance keys: what time does to them. The next key becomes the current one once it was published for long enough, and
//! one whose last token is over leaves.

use crate::{
    domain::audit_event::Origin,
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
pub async fn advance_keys(vestibule: &Vestibule, origin: &Origin) -> store::Result<Advanced> {
    if !vestibule.keyring.keys().is_due(origin.now) {
        return Ok(Advanced::default());
    }
    let (longest, origin) = (signing::longest(&vestibule.config), origin.clone());
    let advanced = vestibule.store.write(async move |tx| signing::advance(tx, longest, &origin).await).await?;
    put_keys_in_force(vestibule).await;
    Ok(advanced)
}
