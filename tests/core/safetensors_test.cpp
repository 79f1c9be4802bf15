// SPDX-License-Identifier: Apache-2.0
#include "core/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "core/atomic_file.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

using testing::message_of;
using testing::ScratchFolder;

std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), 8);
  return file + header + std::string(data_bytes, 'x');
}

SafetensorsFile parse(const std::string& file) {
  return parse_safetensors({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "f.st");
}

std::vector<HostTensor> sample_tensors() {
  HostTensor weight("conv.weight", DType::kF32, {2, 1, 2, 3});
  for (size_t i = 0; i < 12; ++i) weight.as<float>()[i] = 0.5f * static_cast<float>(i);
  HostTensor step("step", DType::kI64, {});
  step.as<int64_t>()[0] = 7;
  HostTensor mask("mask", DType::kU8, {3});
  mask.as<uint8_t>()[1] = 1;
  return {mask,
          weight,
          HostTensor("empty", DType::kF32, {0, 5}),
          step,
          HostTensor("half", DType::kBF16, {5}),
          HostTensor("naïve \"1\"\n", DType::kF64, {1})};
}

TEST(Safetensors, RoundTripKeepsEveryByte) {
  const ScratchFolder folder;
  const std::vector<HostTensor> written = sample_tensors();
  write_safetensors(folder / "a.safetensors", written, {{"format", "gantry"}, {"note", "a\"b"}});
  const SafetensorsFile read = read_safetensors(folder / "a.safetensors");
  EXPECT_EQ(read.metadata.at("note"), "a\"b");
  ASSERT_EQ(read.tensors.size(), written.size());
  for (const HostTensor& tensor : written) {
    EXPECT_EQ(std::count(read.tensors.begin(), read.tensors.end(), tensor), 1) << tensor.name;
  }
  EXPECT_EQ(read.tensors[0].name, "step") << "wide types come first";
  const std::string bytes = read_file(folder / "a.safetensors");
  EXPECT_EQ(parse(bytes).tensors, read.tensors);
  EXPECT_EQ(read_safetensors_header(folder / "a.safetensors").data_start % 8, 0u);
}

TEST(Safetensors, BytesAreThoseOfTheFormat) {
  const ScratchFolder folder;
  HostTensor a("a", DType::kF32, {2});
  a.as<float>()[1] = 1.0f;
  write_safetensors(folder / "a.safetensors", {a});
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(read_file(folder / "a.safetensors"), std::string("\x38\0\0\0\0\0\0\0", 8) + header +
                                                     "  " + std::string("\0\0\0\0\0\0\x80\x3f", 8));
}

TEST(Safetensors, LegalOddities) {
  EXPECT_TRUE(parse(file_of("{}", 0)).tensors.empty());
  EXPECT_EQ(parse(file_of("{}    ", 0)).tensors.size(), 0u);
  const std::string scalar = R"({"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})";
  EXPECT_EQ(parse(file_of(scalar, 8)).tensors.at(0).elements(), 1);
  const std::string empty_between = R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},)"
                                    R"("e":{"dtype":"F32","shape":[3,0],"data_offsets":[1,1]},)"
                                    R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const SafetensorsFile file = parse(file_of(empty_between, 3));
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.tensors[1].name, "e");
}

struct Malformed {
  const char* what;
  std::string file;
  const char* message;  // a part of it
};

std::string entry(const std::string& fields) { return "{\"w\":{" + fields + "}}"; }

std::string shape_of(const std::string& shape, const std::string& end = "4") {
  return entry("\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[0," + end + "]");
}

std::string offsets_of(const std::string& offsets) {
  return entry(R"("dtype":"F32","shape":[1],"data_offsets":)" + offsets);
}

std::string two(const std::string& first, const std::string& second) {
  const std::string start = R"({"dtype":"F32","shape":[1],"data_offsets":)";
  return "{\"a\":" + start + first + "},\"b\":" + start + second + "}}";
}

std::string length_only(uint64_t length) {
  return std::string(reinterpret_cast<const char*>(&length), 8);
}

std::vector<Malformed> malformed_files() {
  const std::string deep(100'000, '[');
  return {
      {"empty file", "", "has 0 bytes"},
      {"seven bytes", "1234567", "has 7 bytes"},
      {"header longer than file", length_only(3) + "{}", "only 2 follow"},
      {"header length of 2^64 - 1", length_only(UINT64_MAX) + "{}", "18446744073709551615"},
      {"header of more than 100 MB", length_only(100'000'001) + "{}", "100000001 bytes"},
      {"no header", file_of("", 0), "begin with '{'"},
      {"leading space", file_of(" {}", 0), "begin with '{', found \" \""},
      {"byte order mark", file_of("\xef\xbb\xbf{}", 0), "begin with '{'"},
      {"an array", file_of("[]", 0), "begin with '{'"},
      {"not JSON", file_of("{w:1}", 0), "not JSON at byte 2"},
      {"cut JSON", file_of("{\"w\":{\"dtype\":\"F32\"", 0), "not JSON"},
      {"two documents", file_of("{}{}", 0), "not JSON"},
      {"trailing comma", file_of("{\"__metadata__\":{},}", 0), "not JSON"},
      {"not UTF-8", file_of("{\"\xff\xfe\":1}", 0), "UTF-8"},
      {"cut UTF-8", file_of("{\"a\xc3\":1}", 0), "UTF-8"},
      {"NUL after JSON", file_of(std::string("{}\0", 3), 0), "not JSON"},
      {"100,000 deep", file_of("{\"w\":" + deep, 0), "must be an object"},
      {"100,000 deep shape", file_of(entry("\"shape\":" + deep), 0), "axes are whole numbers"},
      {"tensor is null", file_of("{\"w\":null}", 0), "tensor \"w\": must be an object, found null"},
      {"tensor is a number", file_of("{\"w\":3}", 0), "must be an object, found 3"},
      {"duplicate tensor",
       file_of(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":1})", 1),
       "the key \"w\" stands twice"},
      {"duplicate field", file_of(entry(R"("dtype":"F32","dtype":"F32")"), 4),
       "the key \"dtype\" stands twice"},
      {"unknown field", file_of(entry(R"("dtype":"F32","stride":[1])"), 4),
       "unknown key \"stride\""},
      {"no dtype", file_of(entry(R"("shape":[1],"data_offsets":[0,4])"), 4), "has no dtype"},
      {"no shape", file_of(entry(R"("dtype":"F32","data_offsets":[0,4])"), 4), "has no shape"},
      {"no offsets", file_of(entry(R"("dtype":"F32","shape":[1])"), 4), "has no data_offsets"},
      {"unknown dtype", file_of(entry(R"("dtype":"F33","shape":[1],"data_offsets":[0,4])"), 4),
       "dtype is \"F33\"; Gantry reads F32"},
      {"dtype in lower case", file_of(entry(R"("dtype":"f32")"), 4), "dtype is \"f32\""},
      {"dtype is a number", file_of(entry(R"("dtype":32)"), 4), "dtype is 32; must be a text"},
      {"negative axis", file_of(shape_of("[-1]"), 4), "shape has -1"},
      {"fractional axis", file_of(shape_of("[1.0]"), 4), "shape has 1.0"},
      {"axis is a text", file_of(shape_of("[\"1\"]"), 4), "shape has \"1\""},
      {"axis above 2^63", file_of(shape_of("[9223372036854775808]"), 4), "9223372036854775808"},
      {"axis above 2^64", file_of(shape_of("[99999999999999999999]"), 4), "99999999999999999999"},
      {"shape is a number", file_of(shape_of("1"), 4), "shape is 1; must be an array"},
      {"shape overflows", file_of(shape_of("[4294967296,4294967296]"), 4), "64 bits"},
      {"shape overflows in bytes", file_of(shape_of("[4611686018427387904]"), 4), "64 bits"},
      {"shape overflows before a zero", file_of(shape_of("[4294967296,4294967296,0]", "0"), 0),
       "64 bits"},
      {"shape against offsets", file_of(shape_of("[2]"), 4), "needs 8 bytes"},
      {"one offset", file_of(offsets_of("[0]"), 4), "has 1 numbers"},
      {"three offsets", file_of(offsets_of("[0,4,8]"), 4), "has 3 numbers"},
      {"negative offset", file_of(offsets_of("[-4,0]"), 4), "data_offsets has -4"},
      {"fractional offset", file_of(offsets_of("[0,4.0]"), 4), "data_offsets has 4.0"},
      {"offsets are a text", file_of(offsets_of("\"0,4\""), 4), "data_offsets is \"0,4\""},
      {"offsets reversed", file_of(offsets_of("[4,0]"), 4), "[4, 0] are reversed"},
      {"offset near 2^64", file_of(offsets_of("[18446744073709551611,18446744073709551615]"), 4),
       "leaving a hole"},
      {"overlap", file_of(two("[0,4]", "[2,6]"), 6), "\"b\": begins at byte 2"},
      {"same bytes twice", file_of(two("[0,4]", "[0,4]"), 4), "inside the tensor before"},
      {"hole between", file_of(two("[0,4]", "[8,12]"), 12), "leaving a hole"},
      {"hole in front", file_of(two("[4,8]", "[8,12]"), 12), "\"a\": begins at byte 4"},
      {"data cut short", file_of(two("[0,4]", "[4,8]"), 7), "the file is cut short"},
      {"data too long", file_of(two("[0,4]", "[4,8]"), 9), "something was added"},
      {"data without tensors", file_of("{}", 1), "something was added"},
      {"metadata is a text", file_of(R"({"__metadata__":"x"})", 0),
       "__metadata__: must be an object"},
      {"metadata is null", file_of(R"({"__metadata__":null})", 0),
       "__metadata__: must be an object"},
      {"metadata holds a number", file_of(R"({"__metadata__":{"a":1}})", 0),
       "__metadata__: the value of \"a\" must be a text, found 1"},
      {"metadata holds an object", file_of(R"({"__metadata__":{"a":{}}})", 0), "found an object"},
      {"metadata holds null", file_of(R"({"__metadata__":{"a":null}})", 0), "found null"},
      {"metadata key twice", file_of(R"({"__metadata__":{"a":"1","a":"2"}})", 0), "stands twice"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "stands twice"},
      {"hostile name", file_of("{\"\\u001b[31m\":3}", 0), "tensor \"?[31m\""},
  };
}

TEST(Safetensors, EveryMalformedFileIsRefusedWithItsReason) {
  for (const Malformed& bad : malformed_files()) {
    SCOPED_TRACE(bad.what);
    const std::string message = message_of<CheckpointError>([&] { parse(bad.file); });
    EXPECT_EQ(message.find("f.st: "), 0u) << message;
    EXPECT_NE(message.find(bad.message), std::string::npos) << message;
    EXPECT_LT(message.size(), 400u) << message;
  }
}

TEST(Safetensors, FilesOnDiskAreRefusedForTheSameReasons) {
  const ScratchFolder folder;
  for (const Malformed& bad : malformed_files()) {
    SCOPED_TRACE(bad.what);
    const std::filesystem::path path = folder / "f.st";
    std::ofstream(path, std::ios::binary) << bad.file;
    const std::string message = message_of<CheckpointError>([&] { read_safetensors(path); });
    EXPECT_NE(message.find(bad.message), std::string::npos) << message;
  }
}

TEST(Safetensors, ReadingWhatIsNoFile) {
  const ScratchFolder folder;
  EXPECT_NE(message_of<IoError>([&] { read_safetensors(folder / "none"); }).find("No such file"),
            std::string::npos);
  message_of<IoError>([&] { read_safetensors(folder.path()); });
}

TEST(Safetensors, WriterRefusesItsOwnMistakes) {
  const ScratchFolder folder;
  const HostTensor a("a", DType::kF32, {1});
  HostTensor wrong = a;
  wrong.bytes.resize(3);
  EXPECT_THROW(write_safetensors(folder / "x", {a, a}), std::logic_error);
  EXPECT_THROW(write_safetensors(folder / "x", {wrong}), std::logic_error);
  EXPECT_THROW(write_safetensors(folder / "x", {HostTensor("__metadata__", DType::kF32, {1})}),
               std::logic_error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, MemoryShapeFollowsTheBytes) {
  EXPECT_EQ(memory_shape(vector_shape(7)), (std::vector<int64_t>{7}));
  EXPECT_EQ(memory_shape({8, 3, 5, 4}), (std::vector<int64_t>{8, 5, 4, 3}));
}

}  // namespace
}  // namespace gantry
