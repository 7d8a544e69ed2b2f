//! The JSON schema of `lab.toml`, with the parameters of every check: what editors complete and underline by.

use serde_json::{Map, Value, json};

use super::Definition;
use crate::checks::{self, AnyCheck};

/// The schema of `lab.toml`. That of a `[[check]]` depends on its `id`.
#[must_use]
pub fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Definition);
    let root = schema.ensure_object();
    let mut shared = Map::new();
    let cases: Vec<Value> = checks::ALL
        .iter()
        .map(|check| parameters(*check, &mut shared))
        .collect();
    let Some(Value::Object(definitions)) = root.get_mut("$defs") else {
        return schema;
    };
    if let Some(Value::Object(table)) = definitions.get_mut("CheckTable") {
        table.remove("additionalProperties");
        table.insert("allOf".into(), cases.into());
        table.insert("unevaluatedProperties".into(), false.into());
        if let Some(id) = table.get_mut("properties").and_then(|p| p.get_mut("id")) {
            let ids: Vec<&str> = checks::ALL.iter().map(|c| c.id()).collect();
            id["enum"] = json!(ids);
        }
    }
    for (name, definition) in shared {
        definitions.entry(name).or_insert(definition);
    }
    schema
}

/// "Where the id is this one, these are the parameters". What the parameters refer to goes into `shared`.
fn parameters(check: &dyn AnyCheck, shared: &mut Map<String, Value>) -> Value {
    let mut params = check.params_schema().to_value();
    // Two checks may have types of one name.
    qualify(&mut params, check.id());
    let mut then = Map::new();
    if let Some(object) = params.as_object_mut() {
        if let Some(Value::Object(definitions)) = object.remove("$defs") {
            let own = |(name, d)| (format!("{}.{name}", check.id()), d);
            shared.extend(definitions.into_iter().map(own));
        }
        for key in ["properties", "required"] {
            if let Some(value) = object.remove(key) {
                then.insert(key.to_owned(), value);
            }
        }
    }
    then.insert("description".into(), check.title().into());
    json!({ "if": { "properties": { "id": { "const": check.id() } } }, "then": then })
}

/// Lets references to definitions name those of check `id`.
fn qualify(value: &mut Value, id: &str) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(to) if key == "$ref" => {
                        *to = to.replace("#/$defs/", &format!("#/$defs/{id}."));
                    }
                    value => qualify(value, id),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|v| qualify(v, id)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(check: Value) -> bool {
        let schema = schema().to_value();
        let lab = json!({ "schema": 1, "title": "t", "lesson": "go", "check": [check] });
        jsonschema::is_valid(&schema, &lab)
    }

    #[test]
    fn a_check_has_its_own_parameters_and_no_others() {
        assert!(allows(
            json!({ "id": "max-size", "points": 5, "limit": "15MB" })
        ));
        assert!(!allows(
            json!({ "id": "max-size", "points": 5, "limt": "15MB" })
        ));
        assert!(!allows(json!({ "id": "max-sice", "points": 5 })));
        assert!(allows(
            json!({ "id": "http", "points": 5, "port": 80, "key": "k" })
        ));
        assert!(!allows(json!({ "id": "http", "points": 5, "port": "80" })));
    }
}
