// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace gantry {
namespace {

constexpr size_t kUnknownWidth = 80;

struct Style {
  const char* label;
  const char* color;
};

Style style_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return {"debug: ", "\x1b[2m"};
    case LogLevel::kInfo:
      return {"", ""};
    case LogLevel::kWarning:
      return {"warning: ", "\x1b[33m"};
    case LogLevel::kError:
      return {"error: ", "\x1b[1;31m"};
  }
  return {"", ""};
}

// Control characters from file names and the like must not drive the terminal.
std::string printable(std::string_view text, const std::string& indent) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      result += "\n" + indent;
    } else if (byte < 0x20 && c != '\t') {
      result += concat("\\x", "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]);
    } else if (byte == 0x7f) {
      result += "\\x7f";
    } else {
      result += c;
    }
  }
  return result;
}

size_t terminal_width(std::FILE* out) {
  winsize size = {};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUnknownWidth;
}

// The longest prefix of at most `width` characters (UTF-8), one kept free: a line that fills the
// terminal wraps on some.
std::string clipped(std::string_view line, size_t width) {
  size_t characters = 0, end = 0;
  while (end < line.size()) {
    if ((line[end] & 0xC0) != 0x80 && ++characters >= width) break;
    ++end;
  }
  return std::string(line.substr(0, end));
}

}  // namespace

bool wants_color(std::FILE* out) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(out)) == 1 && (!no_color || !*no_color) &&
         (!term || std::strcmp(term, "dumb") != 0);
}

Log::Log(std::FILE* out, const Options& options)
    : out_(out), options_(options), terminal_(::isatty(::fileno(out)) == 1) {
  const char* term = std::getenv("TERM");
  if (term && std::strcmp(term, "dumb") == 0) terminal_ = false;
}

Log::~Log() { live(""); }

void Log::write(LogLevel level, std::string_view message) {
  if (level < options_.level) return;
  while (message.ends_with('\n')) message.remove_suffix(1);
  const Style style = style_of(level);
  std::string line = options_.rank >= 0 ? concat("[", options_.rank, "] ") : "";
  const bool painted = options_.color && *style.color;
  if (painted) line += style.color;
  line += style.label;
  if (painted) line += "\x1b[0m";
  line += printable(message, "  ");
  line += '\n';
  const std::lock_guard lock(mutex_);
  if (!live_.empty()) line = "\r\x1b[K" + line + live_;
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

void Log::live(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (!terminal_ || (line.empty() && live_.empty())) return;
  live_ = clipped(line, terminal_width(out_));
  const std::string text = "\r\x1b[K" + live_;
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

}  // namespace gantry
