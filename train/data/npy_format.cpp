// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "train/data/npy.h"

namespace gantry {
namespace {

static_assert(std::endian::native == std::endian::little);

// Reads the dictionary of the header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderReader {
 public:
  HeaderReader(std::string text, const std::string& file) : text_(std::move(text)), file_(file) {}

  void read(NpyArray& array) {
    expect('{');
    bool type = false, order = false, shape = false;
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !type) {
        type = true;
        read_type(array);
      } else if (key == "fortran_order" && !order) {
        order = true;
        read_order();
      } else if (key == "shape" && !shape) {
        shape = true;
        read_shape(array);
      } else {
        refuse("the keys descr, fortran_order and shape once each");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!type || !order || !shape) refuse("descr, fortran_order and shape");
  }

 private:
  [[noreturn]] void refuse(const std::string& wanted) const {
    throw DataError(
        concat(file_, ": looked for ", wanted, " in the npy header, found ", text_.substr(0, 120)));
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse(concat("'", c, "'"));
  }
  bool accept_word(const char* word) {
    skip_blanks();
    if (text_.compare(at_, std::strlen(word), word) != 0) return false;
    at_ += std::strlen(word);
    return true;
  }

  std::string quoted() {
    skip_blanks();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    const size_t end = text_.find(quote, at_ + 1);
    if ((quote != '\'' && quote != '"') || end == std::string::npos) refuse("a quoted word");
    const std::string word = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return word;
  }

  void read_type(NpyArray& array) {
    const std::string type = quoted();
    const std::string known[] = {"<f4", "<f8", "|u1", "|i1", "|b1", "<u2",
                                 "<i2", "<u4", "<i4", "<u8", "<i8"};
    for (const std::string& name : known) {
      if (type != name) continue;
      array.kind = name[1];
      array.item_bytes = name[2] - '0';
      return;
    }
    throw DataError(concat(file_, ": the type of the values is ", type.substr(0, 40),
                           "; looked for f4, f8, u1 (labels: any integer), little-endian"));
  }

  void read_order() {
    if (accept_word("False")) return;
    if (!accept_word("True")) refuse("True or False");
    throw DataError(file_ + ": is in Fortran order; save numpy.ascontiguousarray(x)");
  }

  void read_shape(NpyArray& array) {
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      int64_t axis = 0;
      size_t digits = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
        if (axis > (std::numeric_limits<int64_t>::max() - 9) / 10) refuse("an axis that fits");
        axis = axis * 10 + (text_[at_] - '0');
      }
      if (digits == 0 || array.axes.size() == 32) refuse("a shape");
      array.axes.push_back(axis);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string text_;
  std::string file_;
  size_t at_ = 0;
};

template <typename T>
T load(ByteView values, int64_t index) {
  T value;
  std::memcpy(&value, values.data() + static_cast<size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

void check_size(const NpyArray& array, const std::string& file) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  uint64_t bytes = static_cast<uint64_t>(array.item_bytes);
  bool fits = true;
  for (const int64_t axis : array.axes) {
    const auto length = static_cast<uint64_t>(axis);
    if (length == 0) throw DataError(file + ": the array is empty: an axis has the length 0");
    fits = fits && bytes <= kMost / length;
    bytes *= length;
  }
  if (!fits || bytes != array.values.size()) {
    throw DataError(concat(file, ": the npy header promises ",
                           fits ? std::to_string(bytes) : "too many", " bytes of values, found ",
                           array.values.size(), "; the file is truncated or damaged"));
  }
}

}  // namespace

int64_t NpyArray::elements() const {
  int64_t count = 1;
  for (const int64_t axis : axes) count *= axis;
  return count;
}

double NpyArray::real(int64_t index) const {
  if (kind == 'f') {
    return item_bytes == 4 ? load<float>(values, index) : load<double>(values, index);
  }
  return static_cast<double>(integer(index));
}

int64_t NpyArray::integer(int64_t index) const {
  const bool is_signed = kind == 'i';
  switch (item_bytes) {
    case 1:
      return is_signed ? load<int8_t>(values, index) : load<uint8_t>(values, index);
    case 2:
      return is_signed ? load<int16_t>(values, index) : load<uint16_t>(values, index);
    case 4:
      return is_signed ? load<int32_t>(values, index) : load<uint32_t>(values, index);
    default:
      return load<int64_t>(values, index);
  }
}

NpyArray parse_npy(ByteView bytes, const std::string& file) {
  if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0) {
    throw DataError(concat(file, ": looked for a npy array, found ", describe_content(bytes)));
  }
  const int version = bytes[6];
  if (version < 1 || version > 3) {
    throw DataError(concat(file, ": is npy version ", version, "; versions 1 to 3 are read"));
  }
  const size_t start = version == 1 ? 10 : 12;
  uint64_t length = uint64_t{bytes[8]} | uint64_t{bytes[9]} << 8;
  if (version > 1 && bytes.size() >= start) {
    length |= uint64_t{bytes[10]} << 16 | uint64_t{bytes[11]} << 24;
  }
  if (bytes.size() < start || length > bytes.size() - start || length > 65536) {
    throw DataError(concat(file, ": the npy header ends too early or is too long (", length,
                           " bytes); the file is truncated or damaged"));
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data() + start);
  NpyArray array;
  HeaderReader(std::string(text, length), file).read(array);
  array.values = bytes.subspan(start + length);
  check_size(array, file);
  return array;
}

}  // namespace gantry
