#!/usr/bin/env python3
"""Rewrites HL7's JSON schema for FHIR R4 into r4.json, which castspec judges by; README.md says why each step.

    python3 rewrite.py fhir.schema.json profiles-types.json profiles-resources.json > r4.json

The first file is the schema of the specification, the others are its StructureDefinitions (4.0.1).
"""

import json
import sys

PRIMITIVES = {
    # HL7 states these as patterns, which say nothing about JSON numbers.
    "boolean": {"type": "boolean"},
    "decimal": {"type": "number"},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    # What the text of R4 forbids; HL7's pattern has \S, which in Unicode leaves out the wide space of Japanese.
    "string": {"type": "string", "pattern": "^[^\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F]+$"},
    "markdown": {"type": "string", "pattern": "^[^\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F]+$"},
    # HL7 states no type for it, and base64's pattern only where it is one of several types.
    "xhtml": {"type": "string"},
    "base64Binary": {"type": "string", "pattern": "^(\\s*([0-9a-zA-Z\\+/=]){4}\\s*)+$"},
}


def without_descriptions(node):
    if isinstance(node, dict):
        return {
            name: without_descriptions(value)
            for name, value in node.items()
            if not (name == "description" and isinstance(value, str))
        }
    return [without_descriptions(item) for item in node] if isinstance(node, list) else node


def reference(name):
    return {"$ref": f"#/definitions/{name}"}


def referred(node):
    target = node.get("$ref") or node.get("items", {}).get("$ref")
    return target.rsplit("/", 1)[-1] if target else None


def choices_by_reference(definitions, primitives):
    """`valueCode: {pattern, type}` becomes a reference to `code`, so that errors can name the type."""
    for definition in definitions.values():
        for name, node in definition.get("properties", {}).items():
            if "pattern" in node:
                fitting = [p for p in primitives if name.endswith(p[0].upper() + p[1:])]
                definition["properties"][name] = reference(max(fitting, key=len))


def objects_and_nulls(definitions):
    """HL7 lets anything that is no object pass as an object; and no null stand beside `_given: [{extension}]`."""
    for definition in definitions.values():
        properties = definition.get("properties")
        if properties is None:
            continue
        definition["type"] = "object"
        for name, node in properties.items():
            if node.get("type") == "array" and ("_" + name in properties or name.startswith("_")):
                node["items"] = {"if": {"not": {"type": "null"}}, "then": node["items"]}


def canonicals(definitions):
    """HL7's schema forgets that a canonical, like any primitive, may have an extension, beside its value or in its place."""
    for definition in definitions.values():
        properties = definition.get("properties", {})
        for name, node in list(properties.items()):
            if referred(node) == "canonical" and "_" + name not in properties:
                element = reference("Element")
                properties["_" + name] = {"items": element, "type": "array"} if "items" in node else element
                # `cardinalities` asks for one of the two.
                if name in definition.get("required", []):
                    definition["required"].remove(name)


def dispatch(definitions, resources):
    """In place of `oneOf`, whose errors name everything but the place of the mistake."""
    definitions["ResourceList"] = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"enum": resources}},
        "allOf": [
            {
                "if": {
                    # Without these two every `if` would hold of what is no object or has no type.
                    "type": "object",
                    "required": ["resourceType"],
                    "properties": {"resourceType": {"const": name}},
                },
                "then": reference(name),
            }
            for name in resources
        ],
    }


def amend(definitions):
    """What 4.0.1 has beyond 4.0.0: its own number among the versions, and Meta among the types of any value."""
    for definition in definitions.values():
        properties = definition.get("properties", {})
        for node in properties.values():
            codes = node.get("enum") or node.get("items", {}).get("enum")
            if codes and "4.0.0" in codes and "4.0.1" not in codes:
                codes.append("4.0.1")
        for name in list(properties):
            if name.endswith("Dosage") and name[: -len("Dosage")] + "UsageContext" in properties:
                properties.setdefault(name[: -len("Dosage")] + "Meta", reference("Meta"))


def cardinalities(definitions, profiles):
    """What HL7's schema leaves out: primitives that must be there, and elements of which only one type may be."""
    for entry in profiles["entry"]:
        profile = entry["resource"]
        if (
            profile["resourceType"] != "StructureDefinition"
            or profile["kind"] == "primitive-type"
            or profile["id"] != profile["type"]
            or profile["type"] not in definitions
            or profile["fhirVersion"] != "4.0.1"
        ):
            continue
        for element in profile["snapshot"]["element"][1:]:
            _, *parents, name = element["path"].split(".")
            owner = profile["type"]
            for parent in parents:
                owner = owner and referred(definitions[owner]["properties"].get(parent, {}))
            if not owner:
                continue
            definition = definitions[owner]
            properties = definition["properties"]
            if name.endswith("[x]"):
                stem = name[: -len("[x]")]
                kinds = (stem + kind["code"][0].upper() + kind["code"][1:] for kind in element["type"])
                present = [kind for kind in kinds if kind in properties]
                if present:
                    definition.setdefault("x-choices", {})[stem] = present
                if present and element["min"] > 0:
                    known = definition.setdefault("x-required-choices", [])
                    known.extend([stem] * (stem not in known))
            elif element["min"] > 0 and "_" + name in properties:
                known = definition.setdefault("x-required", [])
                known.extend([name] * (name not in known))


def written(node):
    return json.dumps(node, separators=(",", ":"), ensure_ascii=False)


def main():
    schema, types, resources = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:4])
    names = sorted(schema["discriminator"]["mapping"])
    definitions = without_descriptions(schema["definitions"])
    definitions.update(PRIMITIVES)
    primitives = [name for name, node in definitions.items() if "properties" not in node and name != "ResourceList"]
    choices_by_reference(definitions, primitives)
    canonicals(definitions)
    objects_and_nulls(definitions)
    amend(definitions)
    dispatch(definitions, names)
    cardinalities(definitions, types)
    cardinalities(definitions, resources)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "HL7 FHIR R4 (4.0.1), public domain (CC0), rewritten by rewrite.py",
        "$ref": "#/definitions/ResourceList",
    }
    # A definition a line: small, and still to be read in a comparison.
    lines = [f"{written(name)}:{written(node)}" for name, node in definitions.items()]
    print(written(head)[:-1] + ',"definitions":{\n' + ",\n".join(lines) + "\n}}")


if __name__ == "__main__":
    main()
