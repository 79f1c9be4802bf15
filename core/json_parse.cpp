// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/error.h"
#include "core/json.h"

namespace gantry {
namespace {

using nlohmann::json;

// Reads characters and tells how far the tokenizer has come: its events carry no position.
class TrackedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackedIterator(const char* at, const char** progress) : at_(at), progress_(progress) {}
  reference operator*() const { return *at_; }
  TrackedIterator& operator++() {
    *progress_ = ++at_;
    return *this;
  }
  TrackedIterator operator++(int) {
    TrackedIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const TrackedIterator& other) const { return at_ == other.at_; }
  bool operator!=(const TrackedIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** progress_;
};

// Turns positions, which only grow, into lines and columns.
class LineCounter {
 public:
  explicit LineCounter(const char* begin) : at_(begin), line_begin_(begin) {}
  void advance(const char* to) {
    for (; at_ < to; ++at_) {
      if (*at_ == '\n') {
        ++line_;
        line_begin_ = at_ + 1;
      }
    }
  }
  int line() const { return line_; }
  int column(const char* at) const { return static_cast<int>(at - line_begin_) + 1; }

 private:
  const char* at_;
  const char* line_begin_;
  int line_ = 1;
};

class DocumentBuilder final : public json::json_sax_t {
 public:
  DocumentBuilder(std::string_view text, std::string name)
      : name_(std::move(name)),
        begin_(text.data()),
        end_(text.data() + text.size()),
        progress_(text.data()),
        last_end_(text.data()),
        lines_(text.data()) {}

  const char** progress() { return &progress_; }
  JsonValue take_root() { return std::move(root_); }

  bool null() override { return place(JsonValue()); }
  bool boolean(bool value) override { return place(JsonValue::of(value)); }
  bool number_integer(int64_t value) override { return place(JsonValue::of(value)); }
  bool number_unsigned(uint64_t value) override {
    start_token();
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      fail(concat("the integer ", value, " is too large"));
    }
    return place(JsonValue::of(static_cast<int64_t>(value)));
  }
  bool number_float(double value, const std::string& token) override {
    start_token();
    if (token.find_first_of(".eE") == std::string::npos) {
      fail(concat("the integer ", token, " is too large"));
    }
    const std::string digits = token.substr(0, token.find_first_of("eE"));
    if (!std::isfinite(value)) fail(concat("the number ", token, " is too large"));
    if (value == 0 && digits.find_first_of("123456789") != std::string::npos) {
      fail(concat("the number ", token, " is too small: it would become 0"));
    }
    return place(JsonValue::of(value));
  }
  bool string(std::string& value) override { return place(JsonValue::of(std::move(value))); }
  bool binary(json::binary_t&) override { return false; }

  bool start_object(size_t) override { return open(JsonValue::object()); }
  bool start_array(size_t) override { return open(JsonValue::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& value) override {
    start_token();
    Level& level = levels_.back();
    const auto [first, is_first] = level.keys.try_emplace(value, line_);
    level.key = value;
    if (!is_first) {
      fail(concat("duplicate key ", write_json_line(JsonValue::of(value)), " (first on line ",
                  first->second, ")"));
    }
    finish_token();
    return true;
  }

  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& ex) override {
    if (ex.id == 406) {
      start_token();
      fail(concat("the number ", token, " is too large"));
    }
    // `position` counts the characters read, the offending one included.
    const char* at = std::clamp(begin_ + position - 1, last_end_, end_);
    lines_.advance(at);
    line_ = lines_.line();
    column_ = lines_.column(at);
    fail(reason_of(ex.what()));
  }

 private:
  struct Level {
    JsonValue* value;
    std::unordered_map<std::string, int> keys;  // with the line of each
    std::string key;
  };

  // Where the token that has just been read begins.
  void start_token() {
    const char* at = last_end_;
    while (at < end_ && std::strchr(" \t\r\n,:", *at) != nullptr && *at != '\0') ++at;
    lines_.advance(at);
    line_ = lines_.line();
    column_ = lines_.column(at);
  }
  void finish_token() { last_end_ = progress_; }
  // What follows is not part of the value: its key must not be blamed.
  bool finish_value() {
    if (!levels_.empty()) levels_.back().key.clear();
    finish_token();
    return true;
  }

  std::string pointer() const {
    std::string pointer;
    for (const Level& level : levels_) {
      const bool is_array = level.value->kind == JsonValue::Kind::kArray;
      if (is_array) {
        pointer = pointer_step(pointer, level.value->items.size());
      } else if (!level.key.empty()) {
        pointer = pointer_step(pointer, level.key);
      }
    }
    return pointer;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    const std::string where = pointer();
    throw ConfigError(
        concat(name_, ":", line_, ":", column_, ": ", where, where.empty() ? "" : ": ", reason));
  }

  // nlohmann: "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error
  // while parsing object key - invalid literal; last read: '{x'; expected string literal".
  static std::string reason_of(const std::string& what) {
    const size_t bracket = what.find("] ");
    std::string reason = bracket == std::string::npos ? what : what.substr(bracket + 2);
    const size_t colon = reason.find(": ");
    if (reason.rfind("parse error", 0) == 0 && colon != std::string::npos) {
      reason = reason.substr(colon + 2);
    }
    std::string clean;
    for (const char c : reason.substr(0, 300)) {
      clean += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return "not valid JSON: " + clean;
  }

  JsonValue* store(JsonValue value) {
    start_token();
    value.source = 0;
    value.line = line_;
    value.column = column_;
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    JsonValue& parent = *levels_.back().value;
    if (parent.kind == JsonValue::Kind::kObject) {
      return &parent.add(levels_.back().key, std::move(value));
    }
    parent.items.push_back(std::move(value));
    return &parent.items.back();
  }

  bool place(JsonValue value) {
    store(std::move(value));
    return finish_value();
  }

  bool open(JsonValue value) {
    if (levels_.size() >= static_cast<size_t>(kMaxJsonDepth)) {
      start_token();
      fail(concat("nested deeper than ", kMaxJsonDepth, " levels"));
    }
    // A parent does not grow while its last child is open, so the pointer stays good.
    levels_.push_back({store(std::move(value)), {}, {}});
    finish_token();
    return true;
  }

  bool close() {
    levels_.pop_back();
    return finish_value();
  }

  std::string name_;
  const char* begin_;
  const char* end_;
  const char* progress_;
  const char* last_end_;
  LineCounter lines_;
  int line_ = 1, column_ = 1;
  std::vector<Level> levels_;
  JsonValue root_;
};

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

void refuse_foreign_encodings(std::string_view text, const std::string& name) {
  const bool utf16 = starts_with(text, "\xFE\xFF") || starts_with(text, "\xFF\xFE");
  // The tokenizer would take a NUL for the end of the text.
  if (utf16 || text.find('\0') != std::string_view::npos) {
    throw ConfigError(name + ": this is UTF-16 or binary; save it as UTF-8 text");
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw ConfigError(name + ": the file is empty; a config is a JSON object");
  }
}

}  // namespace

JsonDocument parse_json(std::string_view text, const std::string& name) {
  if (text.size() > kMaxJsonBytes) {
    throw ConfigError(
        concat(name, ": ", text.size(), " bytes; a config has at most ", kMaxJsonBytes));
  }
  if (starts_with(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
  refuse_foreign_encodings(text, name);
  DocumentBuilder builder(text, name);
  const bool parsed =
      json::sax_parse(TrackedIterator(text.data(), builder.progress()),
                      TrackedIterator(text.data() + text.size(), builder.progress()), &builder);
  GANTRY_CHECK(parsed, "the parser stopped without an error");
  return {builder.take_root(), {name}};
}

JsonDocument read_json_file(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    throw ConfigError(concat(path, ": ", std::strerror(errno)));
  }
  if (S_ISDIR(status.st_mode)) {
    throw ConfigError(path + ": is a directory; give the path of a config file");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw ConfigError(concat(path, ": ", std::strerror(errno)));
  std::string text;
  char block[1 << 16];
  size_t got = 0;
  while (text.size() <= kMaxJsonBytes &&
         (got = std::fread(block, 1, sizeof block, file.get())) > 0) {
    text.append(block, got);
  }
  if (std::ferror(file.get()) != 0) throw ConfigError(path + ": cannot be read");
  return parse_json(text, path);
}

}  // namespace gantry
