// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/json.h"

namespace gantry {
namespace {

using Kind = JsonValue::Kind;

// Values that can only be meant as JSON are read as JSON or refused; the rest may be a bare word.
JsonValue parse_value(const std::string& text, const std::string& name) {
  if (text.empty()) return JsonValue::of("");
  const bool json_only = std::string("[{\"").find(text[0]) != std::string::npos;
  try {
    return parse_json(text, name).root;
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    const bool overflow = message.find(" is too ") != std::string::npos;
    if (!json_only && !overflow) return JsonValue::of(text);
    // Line and column say nothing here.
    throw ConfigError(name + message.substr(message.find(": ", name.size())));
  }
}

void set_source(JsonValue& value, int source) {
  value.source = source;
  value.line = value.column = 0;
  for (JsonValue& item : value.items) set_source(item, source);
  for (auto& [key, member] : value.members) set_source(member, source);
}

std::vector<std::string> split_path(const std::string& path, const std::string& name) {
  std::vector<std::string> keys;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    keys.push_back(path.substr(begin, end - begin));
    if (keys.back().empty()) throw ConfigError(name + ": a key before or between dots is missing");
    begin = end + 1;
  }
  if (keys.size() > static_cast<size_t>(kMaxJsonDepth)) {
    throw ConfigError(concat(name, ": more than ", kMaxJsonDepth, " keys"));
  }
  return keys;
}

std::optional<size_t> index_of(const std::string& key) {
  const bool digits = key.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || key.size() > 9) return std::nullopt;
  return std::stoul(key);
}

JsonValue& item_at(JsonValue& list, const std::string& key, const std::string& name,
                   const std::string& pointer) {
  const std::optional<size_t> index = index_of(key);
  if (!index || *index >= list.items.size()) {
    throw ConfigError(concat(name, ": ", pointer, " is a list of ", list.items.size(), "; \"", key,
                             "\" is no index of it (they count from 0)"));
  }
  return list.items[*index];
}

}  // namespace

void apply_override(JsonDocument& document, const std::string& text) {
  const std::string name = "override " + text;
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    throw ConfigError("override " + write_json_line(JsonValue::of(text)) +
                      ": has control characters");
  }
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError(concat(name, ": write KEY=VALUE, for example optimizer.g.lr=1e-4"));
  }
  const std::vector<std::string> keys = split_path(text.substr(0, equals), name);
  JsonValue value = parse_value(text.substr(equals + 1), name);
  const int source = static_cast<int>(document.sources.size());
  document.sources.push_back(name);

  JsonValue* at = &document.root;
  std::string pointer;
  for (const std::string& key : keys) {
    if (at->kind == Kind::kArray) {
      at = &item_at(*at, key, name, pointer);
    } else if (at->kind == Kind::kObject) {
      JsonValue* found = at->find(key);
      if (found == nullptr) {
        found = &at->add(key, JsonValue::object());
        found->source = source;
      }
      at = found;
    } else {
      throw ConfigError(concat(name, ": ", pointer.empty() ? "the config" : pointer,
                               " is neither an object nor a list; it has no \"", key, "\""));
    }
    pointer = pointer_step(pointer, key);
  }
  set_source(value, source);
  *at = std::move(value);
}

}  // namespace gantry
