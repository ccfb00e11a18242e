//! The sites: the hosts behind forward authentication, and who may use each.

use super::{
    declare::settings,
    passwords::PasswordKeys,
    reader::{Read, Reader, share},
    web::WebKeys,
};
use crate::{
    config::{AllowedHost, Exclusions, Profile, Registration, SitesDefault},
    domain::{Permission, address::Authority},
};

settings! {
    /// A host behind forward authentication, and who may use it.
    pub struct Site, SiteKeys in "sites", |reader| check {
        /// The roles of which a user must have at least one to use this host. Unset: every user may use it.
        #[key("sites.<id>.roles", example = "family,friends")]
        roles: Option<Vec<String>>,
        /// The permissions that a user must have, all of them, to use this host. Unset: none is needed.
        #[key("sites.<id>.permissions", example = "wiki:read")]
        permissions: Option<Vec<Permission>>,
        /// The paths of this host that forward authentication permits without a login, in addition to `exclude_urls`.
        #[key("sites.<id>.exclude_urls", default = Vec::<&str>::new())]
        exclude_urls: Exclusions,
        then {
            /// The host. It may begin with `*.`, and then covers the hosts below the domain.
            host: AllowedHost = Ok(reader.id.parse().expect("the id of a site was checked when it was gathered")),
        }
    }
}

impl SiteKeys {
    /// Refuses a host in a path.
    fn check(&self, reader: &mut Reader) {
        reader.check("sites.<id>.exclude_urls", "must be paths without a host, since the table names it", || {
            Ok(share(&self.exclude_urls)?.0.iter().any(|exclusion| exclusion.host().is_some()))
        });
    }
}

/// The hosts behind forward authentication.
#[derive(Debug, Clone)]
pub struct Sites {
    /// Who may use a host that has no table.
    pub default: SitesDefault,
    /// The hosts with a table. Of two that cover the same host, the narrower one comes first.
    sites: Vec<Site>,
}

impl Sites {
    /// Returns the table that counts for a host: the narrowest that covers it. `None` if no table does.
    pub fn find(&self, host: &Authority) -> Option<&Site> {
        self.sites.iter().find(|site| site.host.covers(host))
    }

    /// Returns whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Returns whether anybody who registers may use some host: a host without a table, or one without roles and permissions.
    fn admit_everybody(&self) -> bool {
        let is_open = |site: &Site| site.roles.is_none() && site.permissions.is_none();
        self.default == SitesDefault::SignedIn || self.sites.iter().any(is_open)
    }

    /// Reads and checks the tables. Notes if everybody who registers may use a host. Fails if a setting of any table can't be
    /// read.
    pub(super) fn read(reader: &mut Reader, web: &WebKeys, passwords: &PasswordKeys) -> Read<Self> {
        let mut sites = reader.each(reader.ids("sites"), |reader| SiteKeys::read(reader).complete())?;
        sites.sort_by_key(|site| std::cmp::Reverse(site.host.precision()));
        let sites = Self { default: web.sites_default?, sites };
        let is_open = matches!(passwords.registration, Ok(Registration::Open)) && reader.profile == Profile::Serve;
        if is_open && sites.admit_everybody() {
            let registration = reader.describe("registration");
            reader.note(format!(
                "{registration}: everybody who registers may use every host behind forward authentication that has neither \
                 roles nor permissions in a table of sites; sites_default = \"deny\" closes the others"
            ));
        }
        Ok(sites)
    }
}
