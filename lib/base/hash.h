// A fingerprint of bytes: names checkpoint blobs and detects damage. Not cryptographic.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace iflow {

// XXH3-128 (xxhash.com) with seed 0: 32 lowercase hexadecimal digits, most significant first, as
// `xxh128sum` prints it.
std::string hash_hex(std::span<const std::byte> bytes);

}  // namespace iflow
