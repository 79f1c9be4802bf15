// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

using Kind = JsonValue::Kind;

std::string parse_failure(const std::string& text) {
  try {
    parse_json(text, "t.json");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

struct BadText {
  const char* name;
  std::string text;
  std::string message;  // a part of what is said
};

std::string nested(int depth, char open, char close) {
  return std::string(static_cast<size_t>(depth), open) +
         std::string(static_cast<size_t>(depth), close);
}

TEST(Json, RefusesBadTextNamingThePlace) {
  const BadText cases[] = {
      {"empty", "", "t.json: the file is empty"},
      {"blank", " \n\t ", "t.json: the file is empty"},
      {"word", "hello", "t.json:1:1: not valid JSON"},
      {"cut off", "{\"a\": 1", "t.json:1:8: not valid JSON"},
      {"trailing garbage", "{}\n}", "t.json:2:1: not valid JSON"},
      {"two values", "{} {}", "t.json:1:4: not valid JSON"},
      {"trailing comma", "{\"a\": 1,}", "t.json:1:9: not valid JSON"},
      {"comment", "{ // c\n}", "t.json:1:3: not valid JSON"},
      {"single quotes", "{'a': 1}", "not valid JSON"},
      {"duplicate", "{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2}}",
       "t.json:2:16: /b/c: duplicate key \"c\" (first on line 2)"},
      {"duplicate escaped", R"({"a": 1, "\u0061": 2})", "duplicate key \"a\""},
      {"NaN", "{\"a\": NaN}", "not valid JSON"},
      {"Infinity", "{\"a\": -Infinity}", "not valid JSON"},
      {"overflow", "{\"a\": [1, 1e999]}", "t.json:1:11: /a/1: the number 1e999 is too large"},
      {"underflow", "{\"a\": 1e-999}", "t.json:1:7: /a: the number 1e-999 is too small"},
      {"2^63", "{\"a\": 9223372036854775808}", "/a: the integer 9223372036854775808 is too large"},
      {"below -2^63", "[-9223372036854775809]", "is too large"},
      {"20 digits", "[123456789012345678901234567890]", "is too large"},
      {"leading zero", "[01]", "not valid JSON"},
      {"plus", "[+1]", "not valid JSON"},
      {"hex", "[0x10]", "not valid JSON"},
      {"bad UTF-8", "{\"a\": \"\xff\"}", "not valid JSON"},
      {"lone surrogate", R"(["\ud800"])", "not valid JSON"},
      {"raw newline", "[\"a\nb\"]", "not valid JSON"},
      {"UTF-16", std::string("\xff\xfe{\0}\0", 6), "UTF-16"},
      {"NUL after the end", std::string("{}\0{", 4), "binary"},
      {"65 deep", nested(65, '[', ']'), "nested deeper than 64"},
      {"100,000 deep", nested(100000, '[', ']'), "t.json:1:65: "},
      {"100,000 objects deep",
       [] {
         std::string text;
         for (int i = 0; i < 100000; ++i) text += "{\"a\":";
         return text;
       }(),
       "nested deeper than 64"},
      {"too long", std::string(kMaxJsonBytes + 1, ' '), "a config has at most"},
  };
  for (const BadText& bad : cases) {
    const std::string message = parse_failure(bad.text);
    EXPECT_NE(message.find(bad.message), std::string::npos)
        << bad.name << ": " << (message.empty() ? "accepted" : message);
    EXPECT_EQ(message.find('\n'), std::string::npos) << bad.name;
  }
}

TEST(Json, KeepsValuesOrderAndPlaces) {
  const JsonDocument document = parse_json(
      "\xEF\xBB\xBF{\"z\": [1, -2.5e3,\n  \"\\u00e9\"], \"a\": {\"b\": null}}", "t.json");
  const JsonValue& root = document.root;
  ASSERT_EQ(root.members.size(), 2u);
  EXPECT_EQ(root.members[0].key, "z");
  const JsonValue& list = *root.find("z");
  ASSERT_EQ(list.items.size(), 3u);
  EXPECT_EQ(list.items[0].integer, 1);
  EXPECT_EQ(list.items[1].kind, Kind::kReal);
  EXPECT_EQ(list.items[1].real, -2500);
  EXPECT_EQ(list.items[2].string, "é");
  EXPECT_EQ(document.place(list.items[1]), "t.json:1:11");
  EXPECT_EQ(document.place(list.items[2]), "t.json:2:3");
  EXPECT_EQ(&document.nearest("/z/2"), &list.items[2]);
  EXPECT_EQ(&document.nearest("/z/7/x"), &list);
  EXPECT_EQ(&document.nearest("/a/b"), root.find("a")->find("b"));
}

TEST(Json, DeepestAllowedNestingIsRead) {
  EXPECT_NO_THROW(parse_json(nested(kMaxJsonDepth, '[', ']'), "t.json"));
}

TEST(Json, WritesWhatItReads) {
  const std::string text =
      R"({"a": [1, 2.5, "x\"\\\n\u0001", true, null], "b": {}, "c": [], "d": 1e-300, "e": 3.0})";
  const JsonValue value = parse_json(text, "t.json").root;
  EXPECT_EQ(write_json_line(value), text);
  EXPECT_EQ(write_json_line(parse_json(write_json(value), "t.json").root), text);
}

TEST(Json, LinesStayWithinTheWidthWhereTheyCan) {
  JsonValue list = JsonValue::array();
  for (int64_t i = 0; i < 100; ++i) list.items.push_back(JsonValue::of(i));
  JsonValue root = JsonValue::object();
  root.add("long", list);
  root.add("short", JsonValue::of(int64_t{1}));
  const std::string text = write_json(root);
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    EXPECT_LE(end - begin, 100u);
    begin = end + 1;
  }
}

TEST(Json, FilesThatCannotBeReadAreConfigErrors) {
  const testing::ScratchFolder folder;
  const auto message = [](const std::string& path) -> std::string {
    try {
      read_json_file(path);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  const std::string missing = (folder.path() / "missing.json").string();
  EXPECT_EQ(message(missing), missing + ": No such file or directory");
  EXPECT_NE(message(folder.path().string()).find("is a directory"), std::string::npos);
  const std::string good = (folder.path() / "good.json").string();
  std::ofstream(good) << "{\"a\": 1}";
  EXPECT_EQ(read_json_file(good).root.find("a")->integer, 1);
}

}  // namespace
}  // namespace gantry
