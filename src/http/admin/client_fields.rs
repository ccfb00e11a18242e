//! The fields of a client that somebody who administers sends.

use crate::{
    domain::{Permission, audience::Audiences, client, policy::Grants},
    flows::{
        Vestibule,
        clients::set_client::{ClientChange, NewClient},
    },
    http::request::{
        body::{Fields, FromFields},
        field::{Field, Kind, optional, required},
    },
};

const NAME: Field = optional("name", Kind::Text(client::MAX_NAME_CHARS), "A name for people.");
const AUDIENCE: Field = optional(
    "audience",
    Kind::Texts,
    "The audiences of the access tokens, of which a request may choose one. The first is the default. An empty list is this \
     server's own audience, with which alone a token acts on the account.",
);
const SCOPES: Field = optional(
    "scopes",
    Kind::Texts,
    "The permissions that the tokens can contain. An empty list is all permissions of the user.",
);
const GRANTS: Field =
    optional("grants", Kind::Texts, "The grants that the client may use at `/token`: `password`, `refresh_token`.");

/// The fields that a new client and a change have in common, each of which may be absent.
struct Common {
    name: Option<String>,
    audiences: Option<Option<Audiences>>,
    scopes: Option<Option<Vec<Permission>>>,
    grants: Option<Grants>,
}

impl Common {
    fn read(fields: &mut Fields) -> Self {
        let audiences = fields.texts("audience", client::check_audience);
        let scopes = fields.texts("scopes", Permission::parse);
        let grants = fields.texts("grants", |text| Ok::<_, &str>(text.to_owned()));
        let grants = grants.and_then(|names| {
            let grants = Grants::from_words(names.iter().map(String::as_str));
            if grants.is_none() {
                fields.refuse("grants", "may contain password and refresh_token");
            }
            grants
        });
        Self {
            name: fields.optional("name", client::check_name),
            audiences: audiences.map(Audiences::new),
            scopes: scopes.map(|scopes| (!scopes.is_empty()).then_some(scopes)),
            grants,
        }
    }
}

/// A client to add.
pub struct NewClientBody(pub NewClient);

impl FromFields for NewClientBody {
    const FIELDS: &'static [Field] = &[
        required("id", Kind::Text(client::MAX_ID_CHARS), "The id: letters, digits, `.`, `_`, `~` and `-`."),
        NAME,
        AUDIENCE,
        SCOPES,
        GRANTS,
        optional("public", Kind::Boolean, "Whether the client has no secret. By default it has one."),
    ];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let id = fields.required("id", client::check_id);
        let common = Common::read(fields);
        let is_public = fields.boolean("public").unwrap_or_default();
        Some(Self(NewClient {
            id: id?,
            name: common.name,
            audiences: common.audiences.flatten(),
            scopes: common.scopes.flatten(),
            grants: common.grants.unwrap_or(Grants { password: true, refresh_token: true }),
            is_public,
        }))
    }
}

/// The changes of a client.
pub struct ClientChangeBody(pub ClientChange);

impl FromFields for ClientChangeBody {
    const FIELDS: &'static [Field] = &[NAME, AUDIENCE, SCOPES, GRANTS];

    fn read(fields: &mut Fields, _: &Vestibule) -> Option<Self> {
        let name = fields.nullable("name", client::check_name);
        let Common { audiences, scopes, grants, .. } = Common::read(fields);
        Some(Self(ClientChange { name, audiences, scopes, grants }))
    }
}
