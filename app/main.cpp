#include <CLI/CLI.hpp>
#include <exception>
#include <new>

#include "base/error.h"
#include "commands.h"
#include "options.h"
#include "screen.h"

namespace {

int fail(int exit_code, const std::string& message) {
  iflow::print_error(message);
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("iflow: probability densities from invertible residual networks");
  iflow::set_up_program(program);
  iflow::add_fit(program);
  iflow::add_logprob(program);
  iflow::add_sample(program);
  iflow::add_encode(program);
  iflow::add_decode(program);
  iflow::add_invert(program);
  iflow::add_eval(program);
  iflow::add_plot(program);
  iflow::add_compare(program);
  iflow::add_info(program);
  iflow::add_verify(program);
  iflow::add_toy(program);

  try {
    program.parse(argc, argv);
    return iflow::has_command(program) ? 0 : fail(2, iflow::no_command_message(program));
  } catch (const CLI::Success& help_or_version) {
    return program.exit(help_or_version);
  } catch (const CLI::RuntimeError& end) {
    return end.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return fail(2, iflow::usage_message(program, error));
  } catch (const iflow::UsageError& error) {
    return fail(2, error.what());
  } catch (const iflow::DataError& error) {
    return fail(3, error.what());
  } catch (const iflow::CheckpointError& error) {
    return fail(4, error.what());
  } catch (const std::bad_alloc&) {
    return fail(1, "out of memory");
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
}
