// The one place that compiles stb_image_write. Its own deflate is replaced by zlib's, which makes
// the files of our figures about a fifth smaller.
#include <zlib.h>

#include <cstdlib>

namespace {

// The signature, and malloc for the result, are stb's.
unsigned char* compress_with_zlib(unsigned char* data, int size, int* compressed_size, int) {
  uLongf capacity = compressBound(static_cast<uLong>(size));
  auto* compressed = static_cast<unsigned char*>(std::malloc(capacity));
  if (compressed == nullptr) return nullptr;
  if (compress2(compressed, &capacity, data, static_cast<uLong>(size), Z_BEST_COMPRESSION) !=
      Z_OK) {
    std::free(compressed);
    return nullptr;
  }
  *compressed_size = static_cast<int>(capacity);
  return compressed;
}

}  // namespace

#define STBIW_ZLIB_COMPRESS compress_with_zlib
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
