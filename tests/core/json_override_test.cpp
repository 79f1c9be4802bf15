// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"

namespace gantry {
namespace {

JsonDocument sample() {
  return parse_json(R"({"a": {"b": 1}, "list": [{"x": 1}, {"x": 2}], "s": "t"})", "t.json");
}

std::string after(const std::string& text) {
  JsonDocument document = sample();
  apply_override(document, text);
  return write_json_line(document.root);
}

std::string override_failure(const std::string& text) {
  JsonDocument document = sample();
  try {
    apply_override(document, text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(JsonOverride, SetsValues) {
  EXPECT_EQ(after("a.b=2.5"), R"({"a": {"b": 2.5}, "list": [{"x": 1}, {"x": 2}], "s": "t"})");
  EXPECT_EQ(after("list.1.x=[1, 2]"),
            R"({"a": {"b": 1}, "list": [{"x": 1}, {"x": [1, 2]}], "s": "t"})");
  EXPECT_EQ(after("s=some words=here"),
            R"({"a": {"b": 1}, "list": [{"x": 1}, {"x": 2}], "s": "some words=here"})");
  EXPECT_EQ(after("s=\"1\""), R"({"a": {"b": 1}, "list": [{"x": 1}, {"x": 2}], "s": "1"})");
  EXPECT_EQ(after("s="), R"({"a": {"b": 1}, "list": [{"x": 1}, {"x": 2}], "s": ""})");
  EXPECT_EQ(after("n.m.o=true"),
            R"({"a": {"b": 1}, "list": [{"x": 1}, {"x": 2}], "s": "t", "n": {"m": {"o": true}}})");
}

TEST(JsonOverride, TheLastOneHoldsAndIsNamed) {
  JsonDocument document = sample();
  apply_override(document, "a.b=2");
  apply_override(document, "a.b=3");
  const JsonValue& value = document.nearest("/a/b");
  EXPECT_EQ(value.integer, 3);
  EXPECT_EQ(document.place(value), "override a.b=3");
  EXPECT_EQ(document.place(document.nearest("/s")), "t.json:1:52");
}

TEST(JsonOverride, RefusesControlCharacters) {
  const std::string message = override_failure(std::string("a.b=\"x\0y", 8));
  EXPECT_EQ(message, R"(override "a.b=\"x\u0000y": has control characters)");
}

TEST(JsonOverride, RefusesNonsenseNamingTheOverride) {
  const std::pair<const char*, const char*> cases[] = {
      {"a.b", "write KEY=VALUE"},
      {"=1", "write KEY=VALUE"},
      {"a..b=1", "key before or between dots"},
      {".a=1", "key before or between dots"},
      {"a.=1", "key before or between dots"},
      {"list.2.x=1", "/list is a list of 2; \"2\" is no index"},
      {"list.-1.x=1", "\"-1\" is no index"},
      {"list.x=1", "\"x\" is no index"},
      {"list.99999999999999999999=1", "is no index"},
      {"s.t=1", "/s is neither an object nor a list"},
      {"a.b={", "not valid JSON"},
      {"a.b=[1,]", "not valid JSON"},
      {"a.b=1e999", "the number 1e999 is too large"},
      {"a.b=99999999999999999999", "is too large"},
  };
  for (const auto& [text, part] : cases) {
    const std::string message = override_failure(text);
    EXPECT_NE(message.find(part), std::string::npos) << text << ": " << message;
    EXPECT_EQ(message.rfind(std::string("override ") + text + ": ", 0), 0u) << message;
  }
}

}  // namespace
}  // namespace gantry
