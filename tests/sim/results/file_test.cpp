#include <hdf5.h>
#include <hdf5_hl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <thread>

#include "sim/results/hdf5.hpp"
#include "tests/catch.hpp"
#include "tests/sim/results/sample.hpp"

using namespace tokwatt::sim;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("tokwatt-file-test-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(path_)) out.push_back(entry.path().filename());
    return out;
  }

 private:
  fs::path path_;
};

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

hdf5::Handle open_file(const std::string& path) {
  return hdf5::own(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "open");
}

hdf5::Handle open(const hdf5::Handle& parent, const char* name) {
  return hdf5::own(H5Oopen(parent.get(), name, H5P_DEFAULT), name);
}

std::string text_attribute(const hdf5::Handle& object, const char* name) {
  const auto attribute = hdf5::own(H5Aopen(object.get(), name, H5P_DEFAULT), name);
  const auto type = hdf5::own(H5Aget_type(attribute.get()), name);
  REQUIRE(H5Tis_variable_str(type.get()) == 0);
  REQUIRE(H5Tget_cset(type.get()) == H5T_CSET_UTF8);
  std::string text(H5Tget_size(type.get()), '?');
  REQUIRE(H5Aread(attribute.get(), type.get(), text.data()) >= 0);
  return text;
}

template <typename T>
std::vector<T> read(const hdf5::Handle& dataset, hid_t type) {
  const auto space = hdf5::own(H5Dget_space(dataset.get()), "space");
  std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  REQUIRE(H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
  return values;
}

/// While it lives this process cannot make a file longer than `bytes`: a full disk, as a program sees it.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("equal results give equal bytes, from any thread and under any name", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), sample_texts(), 7);
  std::vector<std::thread> threads;
  for (const char* name : {"b.h5", "c.h5", "d.h5"}) {
    threads.emplace_back([&folder, name] { write_results(folder / name, sample_results(), sample_texts(), 7); });
  }
  for (auto& thread : threads) thread.join();
  const auto first = bytes_of(folder / "a.h5");
  REQUIRE(first.size() > 100'000);
  for (const char* name : {"b.h5", "c.h5", "d.h5"}) CHECK(bytes_of(folder / name) == first);
  write_results(folder / "e.h5", sample_results(), sample_texts(), 8);
  CHECK(bytes_of(folder / "e.h5") != first);
}

TEST_CASE("the root holds the numbers of the summary with their units", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), {}, 18'000'000'000'000'000'000U);
  const auto file = open_file(folder / "a.h5");
  CHECK(text_attribute(file, "Conventions") == "CF-1.11");
  CHECK(text_attribute(file, "title") == "Zwölf Leute");
  CHECK(text_attribute(open(file, "ttft_s.p50"), "units") == "s");
  CHECK(text_attribute(open(file, "energy_j.wall"), "units") == "J");
  CHECK(text_attribute(open(file, "kv.preemptions"), "units") == "count");
  CHECK(text_attribute(open(file, "kv.peak_fraction"), "units") == "1");
  CHECK(read<double>(open(file, "ttft_s.p50"), H5T_NATIVE_DOUBLE).at(0) == 0.25);
  CHECK(std::isnan(read<double>(open(file, "cost_usd.electricity"), H5T_NATIVE_DOUBLE).at(0)));
  CHECK(read<int64_t>(open(file, "requests.submitted"), H5T_NATIVE_INT64).at(0) == 3);
  CHECK(read<uint64_t>(open(file, "seed"), H5T_NATIVE_UINT64).at(0) == 18'000'000'000'000'000'000U);
  CHECK(H5Lexists(file.get(), "interval90", H5P_DEFAULT) == 0);
  CHECK(H5Lexists(file.get(), "deployments.chat.duration_s", H5P_DEFAULT) == 0);
}

TEST_CASE("every axis has its scale, and a dimension without coordinate has netCDF's name for that", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), {}, 0);
  const auto file = open_file(folder / "a.h5");
  const auto temperature = open(file, "series/temperature");
  CHECK(H5DSis_attached(temperature.get(), open(file, "series/time").get(), 0) == 1);
  CHECK(H5DSis_attached(temperature.get(), open(file, "series/device").get(), 1) == 1);
  CHECK(read<double>(temperature, H5T_NATIVE_DOUBLE) == std::vector<double>{40, 41, 50, 51.5});
  const auto request = open(file, "requests/request");
  CHECK(H5DSis_attached(open(file, "requests/prompt").get(), request.get(), 0) == 1);
  char name[100] = "";
  REQUIRE(H5DSget_scale_name(request.get(), name, sizeof name) > 0);
  CHECK(std::string(name) == "This is a netCDF dimension but not a netCDF variable.         3");
  CHECK(text_attribute(open(file, "series/limited_by"), "flag_meanings") == "idle power_limit");
}

TEST_CASE("a group of no rows is written and can be read", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(0), {}, 0);
  const auto file = open_file(folder / "a.h5");
  CHECK(read<int64_t>(open(file, "requests/prompt"), H5T_NATIVE_INT64).empty());
}

TEST_CASE("no object of the file remembers when it was written, and names keep their order", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), sample_texts(), 0);
  const auto file = open_file(folder / "a.h5");
  for (const char* path : {"/", "series", "series/time", "requests/request", "texts/systems", "texts/systems/desk"}) {
    H5O_info_t info;
    REQUIRE(H5Oget_info_by_name2(file.get(), path, &info, H5O_INFO_TIME, H5P_DEFAULT) >= 0);
    CHECK(info.mtime == 0);
    CHECK(info.btime == 0);
  }
  char first[20] = "";
  H5Lget_name_by_idx(file.get(), "series", H5_INDEX_CRT_ORDER, H5_ITER_INC, 0, first, sizeof first, H5P_DEFAULT);
  CHECK(std::string(first) == "time");
}

TEST_CASE("texts travel with their SHA-256", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), sample_texts(), 0);
  const auto file = open_file(folder / "a.h5");
  const auto text = open(file, "texts/systems/desk");
  // head -c 100000 /dev/zero | tr '\0' x | sha256sum
  CHECK(text_attribute(text, "sha256") == "d69e68988157833272305aaf21f453c800346e8a3640db6578e260215542e5d4");
  // printf '' | sha256sum
  CHECK(text_attribute(open(file, "texts/systems/lap"), "sha256") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const auto type = hdf5::variable_string_type();
  char* value = nullptr;
  REQUIRE(H5Dread(text.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) >= 0);
  CHECK(std::string(value) == std::string(100'000, 'x'));
  H5free_memory(value);
}

TEST_CASE("a results file does not say that somebody has it open for writing", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), sample_texts(), 0);
  constexpr std::size_t kVersionAt = 8, kFlagsAt = 20;  // HDF5 File Format Specification, section II.A
  CHECK(bytes_of(folder / "a.h5")[kVersionAt] == 0);
  CHECK(bytes_of(folder / "a.h5")[kFlagsAt] == 0);
}

TEST_CASE("large columns are in the file as they were lent, small ones as they were copied", "[sim][results]") {
  const Folder folder;
  for (const int64_t rows : {3, 100'000}) {
    Results results = sample_results();
    std::vector<double> values(static_cast<std::size_t>(rows));
    std::iota(values.begin(), values.end(), 0.5);
    results.groups = {{"large",
                       {{"row", rows}},
                       {{"a", "s", "first", {"row"}, values, {}}, {"b", "s", "second", {"row"}, values, {}}}}};
    write_results(folder / "a.h5", results, {}, 0);
    const auto bytes = bytes_of(folder / "a.h5");
    const std::string column(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
    const auto first = std::search(bytes.begin(), bytes.end(), column.begin(), column.end());
    REQUIRE(first != bytes.end());
    CHECK(std::search(first + 1, bytes.end(), column.begin(), column.end()) != bytes.end());
  }
}

TEST_CASE("when the disk is full the old file stays and nothing else is left", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), {}, 0);
  const auto before = bytes_of(folder / "a.h5");
  {
    const FullDisk full(4096);
    CHECK_THROWS_WITH(write_results(folder / "a.h5", sample_results(), sample_texts(), 1),
                      Contains("writing: File too large"));
  }
  CHECK(bytes_of(folder / "a.h5") == before);
  CHECK(folder.names() == std::vector<std::string>{"a.h5"});
}

TEST_CASE("a place that cannot hold the file is refused with its name and the reason", "[sim][results]") {
  const Folder folder;
  CHECK_THROWS_WITH(write_results(folder / "missing/a.h5", sample_results(), {}, 0),
                    Contains("missing/a.h5") && Contains("No such file or directory"));
  CHECK_THROWS_WITH(write_results("/dev/null", sample_results(), {}, 0), Contains("not a regular file"));
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a name that HDF5 cannot take is an error with HDF5's reason, and no file", "[sim][results]") {
  const Folder folder;
  auto results = sample_results();
  results.groups.push_back(results.groups.back());  // two groups of one name
  CHECK_THROWS_WITH(write_results(folder / "a.h5", results, {}, 0),
                    Contains("create group requests") && Contains("already exists"));
  CHECK(folder.names().empty());
}

TEST_CASE("a column of the wrong length is a mistake of the program, not a file", "[sim][results]") {
  const Folder folder;
  auto results = sample_results();
  results.groups[1].dims[0].size = 4;
  CHECK_THROWS_AS(write_results(folder / "a.h5", results, {}, 0), std::logic_error);
  CHECK(folder.names().empty());
}

TEST_CASE("a link keeps pointing at the file that is replaced", "[sim][results]") {
  const Folder folder;
  write_results(folder / "a.h5", sample_results(), {}, 0);
  fs::create_symlink("a.h5", folder / "latest.h5");
  write_results(folder / "latest.h5", sample_results(), {}, 1);
  CHECK(fs::is_symlink(folder / "latest.h5"));
  CHECK(bytes_of(folder / "a.h5") == bytes_of(folder / "latest.h5"));
}

TEST_CASE("a signal at any moment leaves a whole file under the name and nothing beside it", "[sim][results]") {
  const Folder folder;
  const auto results = sample_results(20'000);
  write_results(folder / "a.h5", results, {}, 0);
  const auto whole = bytes_of(folder / "a.h5");
  for (int attempt = 0; attempt < 20; ++attempt) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      std::signal(SIGTERM, SIG_DFL);  // not Catch's, which would report a failed test
      for (;;) write_results(folder / "a.h5", results, {}, 0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + 3 * attempt));
    kill(child, SIGTERM);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(folder.names() == std::vector<std::string>{"a.h5"});
    CHECK(bytes_of(folder / "a.h5") == whole);
  }
}
