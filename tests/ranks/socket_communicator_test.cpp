// SPDX-License-Identifier: Apache-2.0
// Ranks joined by TCP, each on a thread, on loopback: the same sums, to the same bytes, as by other
// engines, and what they say of each other when one is lost.
#include "kernels/cluster/socket_communicator.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "core/philox.h"
#include "kernels/cluster/links.h"
#include "tests/ranks/sockets.h"
#include "tests/ranks/sums.h"
#include "tests/train/tiny_gan.h"

namespace gantry {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

template <typename Real>
void check_sums(std::vector<std::unique_ptr<Communicator>>& communicators, int64_t size,
                double scale) {
  const int ranks = static_cast<int>(communicators.size());
  std::vector<std::vector<Real>> operands, got(communicators.size());
  for (int rank = 0; rank < ranks; ++rank) operands.push_back(operand<Real>(rank, size));
  const std::vector<Real> want = paired_sum(operands, static_cast<Real>(scale));
  on_threads(ranks, [&](int rank) {
    const auto i = static_cast<size_t>(rank);
    got[i] = reduced(*communicators[i], operands[i], scale);
  });
  for (size_t rank = 0; rank < got.size(); ++rank) {
    EXPECT_EQ(got[rank], want) << size << " elements, rank " << rank << " of " << ranks;
  }
}

// The last one is more than the kernel keeps for a connection.
TEST(SocketCommunicator, AddsAlongTheBalancedTreeOnEveryRank) {
  for (const int ranks : {2, 3, 4, 5, 8}) {
    auto communicators = socket_communicators(ranks);
    for (const int64_t size : {1, 15, 100, 4096, 4097, 3'000'000}) {
      if (size > 10000 && ranks > 3) continue;
      check_sums<float>(communicators, size, 1);
      check_sums<double>(communicators, size, 0.3);
    }
  }
}

TEST(SocketCommunicator, BroadcastsFromAnyRank) {
  auto communicators = socket_communicators(3);
  EXPECT_EQ(communicators[2]->name(), "TCP, 3 ranks");
  EXPECT_EQ(communicators[2]->rank(), 2);
  for (int root = 0; root < 3; ++root) {
    on_threads(3, [&](int rank) {
      std::vector<int> data(1'000'000, rank);
      communicators[static_cast<size_t>(rank)]->broadcast(data.data(), data.size() * sizeof(int),
                                                          root);
      EXPECT_EQ(data, std::vector<int>(1'000'000, root));
    });
  }
}

TEST(SocketCommunicator, ComparesOperations) {
  auto communicators = socket_communicators(2);
  on_threads(2, [&](int rank) {
    const auto i = static_cast<size_t>(rank);
    communicators[i]->compare_operations(true);
    EXPECT_EQ(reduced<float>(*communicators[i], {1, 2}, 1), (std::vector<float>{2, 4}));
    const std::vector<float> mine(rank == 0 ? 2 : 3, 1);
    const std::string said = peer_failure([&] { reduced<float>(*communicators[i], mine, 1); });
    EXPECT_TRUE(contains(said, "x (3 f32, its collective 3)")) << said;
  });
}

TEST(SocketCommunicator, NoticesDifferentOperationsByTheirLength) {
  auto communicators = socket_communicators(2);
  on_threads(2, [&](int rank) {
    const auto i = static_cast<size_t>(rank);
    const std::vector<float> mine(rank == 0 ? 2 : 3, 1);
    const std::string said = peer_failure([&] { reduced<float>(*communicators[i], mine, 1); });
    EXPECT_TRUE(contains(said, "has come to another operation than the sum of x")) << said;
  });
}

TEST(SocketCommunicator, TrainsToTheBytesOfThreads) {
  const auto load = [] { return parse_config(kTinyGan, "tiny.json", {}).config; };
  Team threads(2, load), sockets(socket_communicators(2), load);
  threads.step(4);
  sockets.step(4);
  EXPECT_EQ(threads.checkpoint().tensors, sockets.checkpoint().tensors);
  EXPECT_EQ(threads.session(0).latest_metrics(), sockets.session(0).latest_metrics());
}

TEST(SocketCommunicator, NamesTheRanksThatDoNotComeInTime) {
  auto communicators = socket_communicators(4);
  for (auto& one : communicators) one->set_timeout(0.2);
  const auto start = std::chrono::steady_clock::now();
  on_threads(4, [&](int rank) {
    if (rank == 1 || rank == 3) return;
    auto& mine = *communicators[static_cast<size_t>(rank)];
    const std::string said = peer_failure([&] { reduced<float>(mine, {1, 2}, 1); });
    EXPECT_TRUE(said.starts_with("rank 1 on ")) << said;
    EXPECT_TRUE(contains(said, " (127.0.0.1:")) << said;
    EXPECT_TRUE(contains(said, ", rank 3 on ")) << said;
    EXPECT_FALSE(contains(said, "rank 0 on ") || contains(said, "rank 2 on ")) << said;
    EXPECT_TRUE(said.ends_with(" did not come to the sum of x within 0.2 s")) << said;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 10);
  const std::string late = peer_failure([&] { reduced<float>(*communicators[1], {1, 2}, 1); });
  EXPECT_TRUE(late.starts_with("rank 3 on ")) << late;
}

// Rank 2 gets from rank 0 all that it needs of it, and from rank 1, which waits for rank 0,
// nothing.
TEST(SocketCommunicator, NamesTheRankForWhichTheMissingOneWaits) {
  auto communicators = socket_communicators(3);
  for (auto& one : communicators) one->set_timeout(0.3);
  on_threads(3, [&](int rank) {
    auto& mine = *communicators[static_cast<size_t>(rank)];
    int data = 0;
    if (rank == 0) return;
    if (rank == 2) {
      const std::string said = peer_failure([&] { mine.broadcast(&data, sizeof data, 1); });
      EXPECT_TRUE(said.starts_with("rank 0 on ")) << said;
      EXPECT_FALSE(contains(said, "rank 1 on ")) << said;
      return;
    }
    const std::string said = peer_failure([&] { mine.broadcast(&data, sizeof data, 0); });
    EXPECT_TRUE(said.starts_with("rank 0 on ")) << said;
  });
}

TEST(SocketCommunicator, NoticesAtOnceThatARankIsGone) {
  auto communicators = socket_communicators(3);
  communicators[1].reset();
  const auto start = std::chrono::steady_clock::now();
  for (const size_t rank : {size_t{0}, size_t{2}}) {
    const std::string said = peer_failure([&] { communicators[rank]->barrier(); });
    EXPECT_TRUE(said.starts_with("rank 1 on ")) << said;
    EXPECT_TRUE(contains(said, "its connection is lost")) << said;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 5);
}

// Who waits for its GPU asks now and then. What others have sent stays for the next operation.
TEST(SocketCommunicator, TellsWithoutWaitingWhetherOthersAreThere) {
  auto communicators = socket_communicators(3);
  const auto ask = [&] { return peer_failure([&] { communicators[0]->require_peers(); }); };
  EXPECT_EQ(ask(), "no error");
  on_threads(3, [&](int rank) {
    int value = rank;
    if (rank == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(rank != 0 || ask() == "no error");
    communicators[static_cast<size_t>(rank)]->broadcast(&value, sizeof(value), 2);
    EXPECT_EQ(value, 2);
  });
  communicators[1]->abort(ExitCode::kData, "rank 1 has no data");
  std::string said = "no error";
  for (int i = 0; i < 200 && said == "no error"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    said = ask();
  }
  EXPECT_EQ(said, "rank 1 has no data");
  communicators[2].reset();
  EXPECT_NE(peer_failure([&] {
              while (true) communicators[1]->require_peers();
            }).find("did not come to the work on its GPU: its connection is lost"),
            std::string::npos);
}

TEST(SocketCommunicator, AbortEndsTheWaitOfTheOthers) {
  auto communicators = socket_communicators(2);
  on_threads(2, [&](int rank) {
    if (rank == 1) return communicators[1]->abort(ExitCode::kData, "rank 1 has no data");
    EXPECT_EQ(peer_failure([&] { communicators[0]->barrier(); }), "rank 1 has no data");
  });
}

// Bytes that no gantry sends, from what was taken for a rank: an error, and no memory for it.
TEST(Links, EndOnMalformedFrames) {
  const RandomKey key = random_key(7, Purpose::kShuffle);
  for (uint64_t round = 0; round < 200; ++round) {
    int files[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, files), 0);
    std::vector<Peer> peers(2);
    peers[1] = {Socket(files[0]), "rank 1"};
    const Socket other(files[1]);
    Links links(0, std::move(peers));
    links.set_timeout(0.05);
    uint32_t words[8];
    for (uint64_t i = 0; i < 2; ++i) {
      const PhiloxBlock block = random_block(key, round, i, 0);
      for (size_t k = 0; k < 4; ++k) words[4 * i + k] = block.v[k];
    }
    words[0] %= 5;  // often a kind that there is, with a length that may not be
    if (round % 2 == 0) words[3] = 0;
    ASSERT_EQ(::send(other.file(), words, round % 3 == 0 ? 7 : sizeof(words), MSG_NOSIGNAL),
              round % 3 == 0 ? 7 : static_cast<ssize_t>(sizeof(words)));
    ::shutdown(other.file(), SHUT_WR);
    int64_t number = 0;
    links.parts()[1] = {&number, sizeof number, &number, sizeof number, true, true};
    EXPECT_THROW(links.exchange("a number"), PeerError) << round;
  }
}

}  // namespace
}  // namespace gantry
