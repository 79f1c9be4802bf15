// SPDX-License-Identifier: Apache-2.0
#include "train/config_file.h"

#include <algorithm>

#include "core/error.h"
#include "core/fields_reader.h"
#include "core/fields_shape.h"
#include "core/fields_writer.h"
#include "core/json.h"
#include "train/config_rules.h"

namespace gantry {
namespace {

using Kind = JsonValue::Kind;

struct Origin {
  std::string pointer, value, from;
};

bool is_leaf(const JsonValue& value) {
  const auto nested = [](const JsonValue& v) {
    return v.kind == Kind::kObject || v.kind == Kind::kArray;
  };
  if (value.kind == Kind::kArray) {
    return std::none_of(value.items.begin(), value.items.end(), nested);
  }
  return value.kind != Kind::kObject;
}

// `written` is what stands at the same place in the document, null where nothing does.
void collect_origins(const JsonValue& resolved, const JsonValue* written,
                     const std::string& pointer, const JsonDocument& document,
                     std::vector<Origin>& origins) {
  if (is_leaf(resolved)) {
    origins.push_back({pointer, write_json_line(resolved),
                       written != nullptr ? document.place(*written) : "default"});
    return;
  }
  for (const auto& [key, value] : resolved.members) {
    collect_origins(value, written != nullptr ? written->find(key) : nullptr,
                    pointer_step(pointer, key), document, origins);
  }
  for (size_t i = 0; i < resolved.items.size(); ++i) {
    const bool has = written != nullptr && i < written->items.size();
    collect_origins(resolved.items[i], has ? &written->items[i] : nullptr, pointer_step(pointer, i),
                    document, origins);
  }
}

std::string origin_table(const JsonValue& resolved, const JsonDocument& document) {
  constexpr size_t kWidest = 48;
  std::vector<Origin> origins;
  collect_origins(resolved, &document.root, "", document, origins);
  size_t first = 0, second = 0;
  for (const Origin& origin : origins) {
    first = std::max(first, std::min(origin.pointer.size(), kWidest));
    second = std::max(second, std::min(origin.value.size(), kWidest));
  }
  std::string table;
  for (const Origin& origin : origins) {
    std::string line = origin.pointer;
    line.resize(std::max(line.size(), first), ' ');
    line += "  " + origin.value;
    line.resize(std::max(line.size(), first + 2 + second), ' ');
    table += line + "  " + origin.from + '\n';
  }
  return table;
}

LoadedConfig load(JsonDocument document, const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) apply_override(document, text);
  LoadedConfig loaded;
  read_fields(document, [&](Fields& f) { loaded.config.describe(f); });
  std::string message;
  for (const BrokenRule& rule : broken_rules(loaded.config)) {
    message += concat(message.empty() ? "" : "\n", document.place(document.nearest(rule.pointer)),
                      ": ", rule.pointer, ": ", rule.reason);
  }
  if (!message.empty()) throw ConfigError(message);
  const JsonValue resolved = write_fields([&](Fields& f) { loaded.config.describe(f); });
  loaded.resolved = write_json(resolved);
  loaded.origins = origin_table(resolved, document);
  loaded.file = document.sources.front();
  return loaded;
}

ObjectShape run_config_shape() {
  RunConfig scratch;
  return shape_of([&](Fields& f) { scratch.describe(f); });
}

constexpr const char* kReferenceHead =
    R"(# Configuration

One JSON file describes a run. This page is made from the table that the parser itself works from
(`gantry schema --reference`), so it lists every key there is. `gantry schema` prints the same as a
JSON Schema, which editors use to complete and check a config: put
`"$schema": "path/to/gantry.schema.json"` at the top.

- Unknown and duplicate keys, wrong types, values out of range and keys that contradict each other
  are errors, before any device is touched. `gantry check CONFIG` looks for them and does no more.
- Any key can be set on the command line: `gantry train CONFIG optimizer.g.lr=1e-4
  generator.layers.0.units=128`. The value is JSON; what is not JSON is taken as a string.
- `--print-config` shows every key with its value, and where it came from.

)";

}  // namespace

LoadedConfig load_config(const std::string& path, const std::vector<std::string>& overrides) {
  return load(read_json_file(path), overrides);
}

LoadedConfig parse_config(const std::string& text, const std::string& name,
                          const std::vector<std::string>& overrides) {
  return load(parse_json(text, name), overrides);
}

std::string config_schema() {
  return write_json(schema_of(run_config_shape(), "Gantry run configuration"));
}

std::string config_reference() { return kReferenceHead + reference_of(run_config_shape()); }

}  // namespace gantry
