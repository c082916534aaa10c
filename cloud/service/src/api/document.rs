//! What every operation of an OpenAPI document says, whoever wrote its route. Owns the answers that come from the layers around
//! all routes and the rules each document keeps; refuses to know any route.

use std::collections::BTreeSet;

use http::StatusCode;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{MEDIA_TYPE, Problem, ProblemDocument};

/// The answer for every status that a route does not name.
const ANY_OTHER: &str = "default";

/// A body that is bytes, such as a picture: for `body = inline(Binary)`.
pub enum Binary {}

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Binary {}

/// Adds a refusal that comes before the route's handler; the route's own words for it win.
pub(super) fn add_refusal(operation: &mut Operation, status: StatusCode) {
    let problem = Problem::of_status(status).document();
    let description = format!("`{}`: {}.", problem.slug().unwrap_or_default(), problem.title);
    operation.responses.responses.entry(status.as_str().to_owned()).or_insert_with(|| refusal(description));
}

/// Adds what the layers around all routes make of everything else that goes wrong.
pub(super) fn add_any_other(operation: &mut Operation) {
    let description = "Whatever else is refused or fails: a request that cannot be read (400, 413, 415, 422), a failure on our \
                       side (500), no answer in time (503).";
    operation.responses.responses.entry(ANY_OTHER.to_owned()).or_insert_with(|| refusal(description.to_owned()));
}

fn refusal(description: String) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(problem_schema())).build();
    ResponseBuilder::new().description(description).content(MEDIA_TYPE, content).into()
}

fn problem_schema() -> Ref {
    Ref::from_schema_name(ProblemDocument::name())
}

pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
        &mut item.query,
    ]
    .into_iter()
    .flatten()
    .chain(item.additional_operations.values_mut())
}

/// What a document leaves unsaid, as sentences; nothing when each operation has an id of its own, says who may call it, and
/// describes each answer, and each refusal is a problem. For a test of each service.
pub fn defects(mut document: OpenApi) -> Vec<String> {
    let mut ids = BTreeSet::new();
    let mut defects = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            let Some(id) = operation.operation_id.clone() else {
                defects.push(format!("{path} has an operation without id"));
                continue;
            };
            if operation.security.is_none() {
                defects.push(format!("{id} does not say who may call it"));
            }
            for (status, response) in &operation.responses.responses {
                if let Some(defect) = defect(status, response) {
                    defects.push(format!("{id} {defect} for {status}"));
                }
            }
            if !ids.insert(id.clone()) {
                defects.push(format!("{id} is the id of two operations"));
            }
        }
    }
    defects
}

fn defect(status: &str, response: &RefOr<Response>) -> Option<&'static str> {
    let RefOr::T(response) = response else { return Some("has its answer elsewhere") };
    if response.description.is_empty() {
        return Some("describes no answer");
    }
    let is_refusal = status == ANY_OTHER || status.starts_with(['4', '5']);
    (is_refusal && !is_problem(response)).then_some("answers with no problem")
}

fn is_problem(response: &Response) -> bool {
    let is_problem = |(media_type, content): (&String, &RefOr<utoipa::openapi::Content>)| {
        let RefOr::T(content) = content else { return false };
        let schema = RefOr::Ref(problem_schema());
        media_type == MEDIA_TYPE && content.schema.as_ref() == Some(&schema)
    };
    !response.content.is_empty() && response.content.iter().all(is_problem)
}
