//! A service's HTTP face. Owns that every route says who may call it, in code and in the OpenAPI document, and the layers
//! around all routes; refuses to know what any route does.

mod document;
mod front;
mod guard;
mod layers;

use axum::Router;
use http::StatusCode;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

pub use self::document::{Binary, defects};
pub use self::front::Front;
use crate::caller::Role;
use crate::problem::Problem;
use crate::service_name::ServiceName;

/// The security scheme of routes for people, as the OpenAPI document calls it.
const ACCESS_TOKEN: &str = "access-token";

/// The security scheme of routes for other services.
const SERVICE_CALL: &str = "service-call";

/// A service's routes in groups, each with those who may call it. There is no way to add one without.
pub struct Api<S> {
    title: &'static str,
    schemes: Components,
    groups: Vec<Group<S>>,
}

/// Puts a group's guard around its routes.
type Guard<S> = Box<dyn FnOnce(Router<S>, &Front, &S) -> Router<S> + Send>;

/// A group whose paths are in the document already.
type Mounted<S> = (Router<S>, Guard<S>);

struct Group<S> {
    routes: OpenApiRouter<S>,
    guard: Guard<S>,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// An API without routes of its own. `title` is the document's.
    pub fn new(title: &'static str) -> Self {
        Self { title, schemes: schemes(), groups: Vec::new() }
    }

    /// Routes for everyone.
    #[must_use]
    pub fn public(self, routes: OpenApiRouter<S>) -> Self {
        self.group(routes, None, &[], Box::new(|router, _, _| router))
    }

    /// Routes for people with one of `roles`. Handlers may extract [`crate::caller::Caller`].
    #[must_use]
    pub fn signed_in(self, roles: &'static [Role], routes: OpenApiRouter<S>) -> Self {
        self.signed_in_and(roles, routes, |router, _| router)
    }

    /// Likewise, with a guard of the service's own behind the token's: what it wraps the routes in may extract [`crate::caller::Access`].
    #[must_use]
    pub fn signed_in_and(
        self,
        roles: &'static [Role],
        routes: OpenApiRouter<S>,
        guard: impl FnOnce(Router<S>, &S) -> Router<S> + Send + 'static,
    ) -> Self {
        let requirement = SecurityRequirement::new(ACCESS_TOKEN, roles.iter().map(|role| role.as_str()));
        let guard: Guard<S> = Box::new(move |router, front, state| {
            guard::signed_in(guard(router, state), front.access_tokens.clone(), roles)
        });
        self.group(routes, Some(requirement), &[StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN], guard)
    }

    /// Routes for the services in `callers`. Handlers may extract [`crate::service_call::ServiceCaller`].
    #[must_use]
    pub fn services(self, callers: &'static [ServiceName], routes: OpenApiRouter<S>) -> Self {
        let names = callers.iter().map(|name| name.as_str());
        let requirement = SecurityRequirement::new(SERVICE_CALL, names);
        let guard: Guard<S> =
            Box::new(move |router, front, _| guard::services(router, front.service_calls.clone(), callers));
        self.group(routes, Some(requirement), &[StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN], guard)
    }

    /// Routes with a guard of the service's own, such as a gate's key or a payment provider's signature: `guard` wraps
    /// the routes in middleware that lets nobody through without. The document calls `scheme` by `name`.
    #[must_use]
    pub fn guarded(
        mut self,
        name: &'static str,
        scheme: SecurityScheme,
        routes: OpenApiRouter<S>,
        guard: impl FnOnce(Router<S>, &S) -> Router<S> + Send + 'static,
    ) -> Self {
        self.schemes.add_security_scheme(name, scheme);
        let requirement = SecurityRequirement::new(name, [] as [&str; 0]);
        let guard: Guard<S> = Box::new(|router, _, state| guard(router, state));
        self.group(routes, Some(requirement), &[StatusCode::UNAUTHORIZED], guard)
    }

    /// The OpenAPI document.
    pub fn document(self) -> OpenApi {
        self.into_parts().1
    }

    /// The router with all its layers, and the document. Adds `/healthz`, `/openapi.json` and `/docs`.
    pub fn finish(self, front: &Front, state: S) -> (Router, OpenApi) {
        let (groups, document) = self.into_parts();
        let router = groups
            .into_iter()
            .fold(Router::new(), |router, (routes, guard)| router.merge(guard(routes, front, &state)))
            .merge(front::health(front.pool.clone()))
            .merge(SwaggerUi::new("/docs").url("/openapi.json", document.clone()))
            .fallback(async || Problem::not_found())
            .with_state(state);
        (layers::around(router, &front.randomness), document)
    }

    /// `refusals` are what the guard answers with.
    fn group(
        mut self,
        mut routes: OpenApiRouter<S>,
        requirement: Option<SecurityRequirement>,
        refusals: &[StatusCode],
        guard: Guard<S>,
    ) -> Self {
        // An empty list says "nobody need prove anything", where none would say nothing.
        let requirements: Vec<_> = requirement.into_iter().collect();
        for item in routes.get_openapi_mut().paths.paths.values_mut() {
            for operation in document::operations(item) {
                operation.security = Some(requirements.clone());
                for status in refusals {
                    document::add_refusal(operation, *status);
                }
            }
        }
        self.groups.push(Group { routes, guard });
        self
    }

    fn into_parts(self) -> (Vec<Mounted<S>>, OpenApi) {
        let info = InfoBuilder::new().title(self.title).version(env!("CARGO_PKG_VERSION")).build();
        let mut document = OpenApiBuilder::new()
            .info(info)
            .components(Some(self.schemes))
            .build()
            .merge_from(front::health_document());
        let mut groups = Vec::new();
        for Group { routes, guard } in self.groups {
            let (router, paths) = routes.split_for_parts();
            document.merge(paths);
            groups.push((router, guard));
        }
        document.paths.paths.values_mut().flat_map(document::operations).for_each(document::add_any_other);
        (groups, document)
    }
}

fn schemes() -> Components {
    let mut components = Components::new();
    components.add_security_scheme(
        ACCESS_TOKEN,
        bearer("An access token that auth issued for this service; the requirement lists the roles, of which one suffices."),
    );
    components.add_security_scheme(
        SERVICE_CALL,
        bearer("A token of seconds over method, path and body, signed by one of the services listed."),
    );
    components
}

fn bearer(description: &str) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    SecurityScheme::Http(scheme.description(Some(description)).build())
}

#[cfg(test)]
mod tests;
