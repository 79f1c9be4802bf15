// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace gantry {

JsonValue::JsonValue() = default;
JsonValue::JsonValue(const JsonValue&) = default;
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue&) = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;
JsonValue::~JsonValue() = default;

JsonValue JsonValue::of(bool value) {
  JsonValue v;
  v.kind = Kind::kBool;
  v.boolean = value;
  return v;
}

JsonValue JsonValue::of(int64_t value) {
  JsonValue v;
  v.kind = Kind::kInteger;
  v.integer = value;
  v.real = static_cast<double>(value);
  return v;
}

JsonValue JsonValue::of(double value) {
  GANTRY_CHECK(std::isfinite(value), "JSON has no such number");
  JsonValue v;
  v.kind = Kind::kReal;
  v.real = value;
  return v;
}

JsonValue JsonValue::of(std::string value) {
  JsonValue v;
  v.kind = Kind::kString;
  v.string = std::move(value);
  return v;
}

JsonValue JsonValue::array() {
  JsonValue v;
  v.kind = Kind::kArray;
  return v;
}

JsonValue JsonValue::object() {
  JsonValue v;
  v.kind = Kind::kObject;
  return v;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

JsonValue* JsonValue::find(std::string_view key) {
  return const_cast<JsonValue*>(std::as_const(*this).find(key));
}

JsonValue& JsonValue::add(std::string key, JsonValue value) {
  members.push_back({std::move(key), std::move(value)});
  return members.back().value;
}

std::string JsonDocument::place(const JsonValue& value) const {
  if (value.source < 0) return sources.empty() ? "" : sources[0];
  const std::string& source = sources[static_cast<size_t>(value.source)];
  return value.line > 0 ? concat(source, ":", value.line, ":", value.column) : source;
}

const JsonValue& JsonDocument::nearest(std::string_view pointer) const {
  const JsonValue* at = &root;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view key = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(key.size());
    const JsonValue* next = at->find(key);
    if (at->kind == JsonValue::Kind::kArray) {
      size_t index = at->items.size();
      std::from_chars(key.data(), key.data() + key.size(), index);
      if (index < at->items.size()) next = &at->items[index];
    }
    if (next == nullptr) break;
    at = next;
  }
  return *at;
}

std::string pointer_step(const std::string& pointer, size_t index) {
  return pointer + '/' + std::to_string(index);
}

namespace {

constexpr size_t kLineWidth = 100;

void append_escape(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

void append_string(std::string& out, const std::string& text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      append_escape(out, c);
    } else {
      out += c;
    }
  }
  out += '"';
}

// Shortest form that reads back as the same double, and as a real: "1" becomes "1.0".
void append_real(std::string& out, double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  const std::string_view shortest(text, static_cast<size_t>(end - text));
  out += shortest;
  if (shortest.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_line(std::string& out, const JsonValue& value) {
  using Kind = JsonValue::Kind;
  switch (value.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += value.boolean ? "true" : "false";
      return;
    case Kind::kInteger:
      out += std::to_string(value.integer);
      return;
    case Kind::kReal:
      append_real(out, value.real);
      return;
    case Kind::kString:
      append_string(out, value.string);
      return;
    case Kind::kArray: {
      out += '[';
      for (size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ", ";
        append_line(out, value.items[i]);
      }
      out += ']';
      return;
    }
    case Kind::kObject: {
      out += '{';
      for (size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += ", ";
        append_string(out, value.members[i].key);
        out += ": ";
        append_line(out, value.members[i].value);
      }
      out += '}';
      return;
    }
  }
}

void append_indented(std::string& out, const JsonValue& value, size_t indent, size_t column) {
  std::string line;
  append_line(line, value);
  if (column + line.size() <= kLineWidth) {
    out += line;
    return;
  }
  const bool is_array = value.kind == JsonValue::Kind::kArray;
  const size_t count = is_array ? value.items.size() : value.members.size();
  if (count == 0) {
    out += line;
    return;
  }
  out += is_array ? '[' : '{';
  for (size_t i = 0; i < count; ++i) {
    out += i > 0 ? ",\n" : "\n";
    std::string head(indent + 2, ' ');
    if (!is_array) {
      append_string(head, value.members[i].key);
      head += ": ";
    }
    out += head;
    // One more column for the comma that follows.
    append_indented(out, is_array ? value.items[i] : value.members[i].value, indent + 2,
                    head.size() + 1);
  }
  out += '\n' + std::string(indent, ' ') + (is_array ? ']' : '}');
}

}  // namespace

std::string pointer_step(const std::string& pointer, std::string_view key) {
  std::string step = pointer + '/';
  for (const char c : key) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      // Messages are single lines and C strings.
      append_escape(step, c);
    } else {
      step += c;
    }
  }
  return step;
}

std::string write_json(const JsonValue& value) {
  std::string out;
  append_indented(out, value, 0, 0);
  return out + '\n';
}

std::string write_json_line(const JsonValue& value) {
  std::string out;
  append_line(out, value);
  return out;
}

}  // namespace gantry
