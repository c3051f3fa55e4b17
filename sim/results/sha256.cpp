#include "sim/results/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <span>
#include <stdexcept>

namespace tokwatt::sim {

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("cannot compute SHA-256: OpenSSL refuses");
  }
  return fmt::format("{:02x}", fmt::join(std::span(digest).first(length), ""));
}

}  // namespace tokwatt::sim
