// SPDX-License-Identifier: Apache-2.0
#include "core/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gantry {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) {
    throw EnvironmentError("libcrypto gives no SHA-256; check the installation of OpenSSL");
  }
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(const void* data, size_t bytes) {
  GANTRY_CHECK(state_, "the digest has been taken");
  GANTRY_CHECK(EVP_DigestUpdate(state_->context, data, bytes) == 1, "SHA-256 failed");
}

std::string Sha256::hex() {
  GANTRY_CHECK(state_, "the digest has been taken");
  unsigned char digest[32];
  GANTRY_CHECK(EVP_DigestFinal_ex(state_->context, digest, nullptr) == 1, "SHA-256 failed");
  state_.reset();
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string sha256(const void* data, size_t bytes) {
  Sha256 digest;
  digest.update(data, bytes);
  return digest.hex();
}

std::string sha256(std::string_view text) { return sha256(text.data(), text.size()); }

std::string sha256_of_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_io_error("open", path, errno);
  Sha256 digest;
  std::vector<char> piece(1 << 20);
  ssize_t count = 0;
  while ((count = ::read(descriptor, piece.data(), piece.size())) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      ::close(descriptor);
      throw_io_error("read", path, error);
    }
    digest.update(piece.data(), static_cast<size_t>(count));
  }
  ::close(descriptor);
  return digest.hex();
}

}  // namespace gantry
