# SPDX-License-Identifier: MIT
# Flags for the library's own tests, benches and examples. Nothing here is installed.

# The instruction set of this machine.
add_library(optiform_native INTERFACE)
add_library(optiform::native ALIAS optiform_native)
target_compile_options(optiform_native INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)

# Everything that is present: all components, warnings, this machine's instruction set. But not what
# a program has to ask for: OpenMP's flag, and providers of matrix products, which start threads as
# soon as they are loaded.
set(OPTIFORM_ON_REQUEST openmp onednn cblas)
add_library(optiform_developer INTERFACE)
foreach(component IN LISTS OPTIFORM_COMPONENTS)
  if(NOT component IN_LIST OPTIFORM_ON_REQUEST)
    target_link_libraries(optiform_developer INTERFACE optiform::${component})
  endif()
endforeach()
target_link_libraries(optiform_developer INTERFACE optiform::native)
target_compile_options(optiform_developer INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion
    $<$<BOOL:${OPTIFORM_WERROR}>:-Werror> $<$<CXX_COMPILER_ID:GNU>:-fconcepts-diagnostics-depth=3>>)

# g++ 12 believes that its own AVX-512 header, which Eigen includes, reads what nobody wrote.
add_library(optiform_eigen_warnings INTERFACE)
target_compile_options(optiform_eigen_warnings INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)

# Whether the components that `folder` of tests, benches or examples includes are present.
function(optiform_missing_component result)
  set(${result} "" PARENT_SCOPE)
  foreach(component IN LISTS ARGN)
    if(NOT component IN_LIST OPTIFORM_COMPONENTS)
      set(${result} ${component} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Compiles these sources of a target four at a time: most of what they instantiate is the same.
function(optiform_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  set(count 0)
  foreach(source IN LISTS ARGN)
    math(EXPR group "${count} / 4")
    math(EXPR count "${count} + 1")
    set_property(SOURCE ${source} PROPERTY UNITY_GROUP four_${group})
  endforeach()
endfunction()
