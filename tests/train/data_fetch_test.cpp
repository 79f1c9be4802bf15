// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>
#include <zlib.h>

#include "core/atomic_file.h"
#include "core/digest.h"
#include "core/error.h"
#include "tests/train/data_fixture.h"
#include "tests/train/http_server.h"
#include "train/data/fetch.h"

namespace gantry {
namespace {

using testing::HttpServer;
using testing::message_of;
using testing::ScratchFolder;
using Answer = HttpServer::Answer;
using Request = HttpServer::Request;

const std::string kContents(300000, 'g');

// What a server keeps: gzip, so that the digest is that of the contents.
std::string packed(const std::string& contents) {
  std::string out(compressBound(contents.size()) + 64, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 0, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));
  stream.avail_in = static_cast<uInt>(contents.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Answer ranged(const Request& request, const std::string& body) {
  if (request.from == 0) return {200, body, "", -1};
  if (request.from >= static_cast<long>(body.size())) return {416, "", "", -1};
  const std::string range = "Content-Range: bytes " + std::to_string(request.from) + "-" +
                            std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) +
                            "\r\n";
  return {206, body.substr(static_cast<size_t>(request.from)), range, -1};
}

class Fetch : public ::testing::Test {
 protected:
  Fetch() {
    set_.name = "test";
    set_.files = {{"a.gz", 400000, "", sha256(kContents)}};
    options_.to = folder_ / "new/folder";
    options_.connect_s = 5;
    options_.stall_s = 5;
  }

  size_t fetch_from(const std::vector<std::string>& mirrors) {
    set_.mirrors = mirrors;
    return fetch(set_, options_);
  }
  bool exists(const char* name) const { return std::filesystem::exists(options_.to / name); }
  void expect_fetched() const {
    EXPECT_TRUE(is_published(options_.to / "a.gz", set_.files[0]));
    EXPECT_FALSE(exists("a.gz.part"));
  }

  ScratchFolder folder_;
  PublishedSet set_;
  FetchOptions options_;
  std::string body_ = packed(kContents);
};

TEST_F(Fetch, BringsTheFileOnce) {
  HttpServer server([this](const Request& r) { return ranged(r, body_); });
  EXPECT_EQ(fetch_from({server.url()}), 1u);
  expect_fetched();
  EXPECT_EQ(fetch_from({server.url()}), 0u);
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].path, "a.gz");
}

TEST_F(Fetch, FallsThroughToTheNextMirror) {
  HttpServer missing([](const Request&) { return Answer{404, "no", "", -1}; });
  HttpServer page([](const Request&) { return Answer{200, "<!doctype html><p>hello", "", -1}; });
  HttpServer other([](const Request&) { return Answer{200, packed("other"), "", -1}; });
  HttpServer large([](const Request&) { return Answer{200, std::string(500000, 'x'), "", -1}; });
  HttpServer good([this](const Request& r) { return ranged(r, body_); });
  EXPECT_EQ(fetch_from({missing.url(), page.url(), other.url(), large.url(), good.url()}), 1u);
  expect_fetched();
}

TEST_F(Fetch, SaysWhatWasTried) {
  HttpServer missing([](const Request&) { return Answer{404, "no", "", -1}; });
  HttpServer page([](const Request&) { return Answer{200, "<!doctype html><p>hello", "", -1}; });
  HttpServer large([](const Request&) { return Answer{200, std::string(500000, 'x'), "", -1}; });
  const std::string message = message_of<DataError>([&] {
    fetch_from({missing.url(), page.url(), large.url(), "http://127.0.0.1:1/"});
  });
  for (const std::string& word :
       {missing.url(), page.url(), std::string("404"), std::string("web page"),
        std::string("more than 400000"), std::string("by hand"), std::string("--mirror")}) {
    EXPECT_NE(message.find(word), std::string::npos) << word << " in " << message;
  }
  EXPECT_FALSE(exists("a.gz"));
  EXPECT_FALSE(exists("a.gz.part"));
}

TEST_F(Fetch, ContinuesABrokenDownload) {
  HttpServer breaking([this](const Request&) {
    return Answer{200, body_.substr(0, 100000), "", static_cast<long>(body_.size())};
  });
  HttpServer good([this](const Request& r) { return ranged(r, body_); });
  message_of<DataError>([&] { fetch_from({breaking.url()}); });
  EXPECT_TRUE(exists("a.gz.part"));
  EXPECT_EQ(fetch_from({good.url()}), 1u);
  expect_fetched();
  EXPECT_EQ(good.requests()[0].from, 100000);
}

TEST_F(Fetch, BeginsAnewWhereTheServerDoesNotContinue) {
  make_folders(options_.to);
  testing::write_text(options_.to / "a.gz.part", body_.substr(0, 5000));
  HttpServer plain([this](const Request&) { return Answer{200, body_, "", -1}; });
  EXPECT_EQ(fetch_from({plain.url()}), 1u);
  expect_fetched();
}

TEST_F(Fetch, DoesNotContinueWithSomethingElse) {
  make_folders(options_.to);
  testing::write_text(options_.to / "a.gz.part", std::string(5000, 'z'));
  HttpServer good([this](const Request& r) { return ranged(r, body_); });
  EXPECT_EQ(fetch_from({good.url()}), 1u);
  expect_fetched();
  EXPECT_EQ(good.requests().size(), 2u);
}

TEST_F(Fetch, ReplacesADamagedFileAndHonoursTheMirrorOption) {
  make_folders(options_.to);
  testing::write_text(options_.to / "a.gz", "damaged");
  HttpServer good([this](const Request& r) { return ranged(r, body_); });
  options_.mirrors = {good.url()};
  EXPECT_EQ(fetch_from({"http://127.0.0.1:1/"}), 1u);
  expect_fetched();
}

TEST_F(Fetch, WaitsForTheLock) {
  make_folders(options_.to);
  const int lock = ::open((options_.to / ".gantry-fetch.lock").c_str(), O_RDWR | O_CREAT, 0666);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  options_.lock_s = 0;
  EXPECT_NE(message_of<IoError>([&] { fetch_from({"http://127.0.0.1:1/"}); }).find("another"),
            std::string::npos);
  ::close(lock);
}

TEST(PublishedSets, MnistInTheRepositoryIsTheRealOne) {
  EXPECT_EQ(published_set_names(), (std::vector<std::string>{"mnist", "fashion-mnist", "cifar10"}));
  message_of<ConfigError>([] { published_set("mnits"); });
  const auto path = testing::real_data("mnist");
  GANTRY_REQUIRE_DATA(path);
  for (const PublishedFile& file : published_set("mnist").files) {
    EXPECT_TRUE(is_published(path / file.name, file)) << file.name;
  }
}

}  // namespace
}  // namespace gantry
