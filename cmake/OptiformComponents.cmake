# SPDX-License-Identifier: MIT
# The components of the library. Each is an INTERFACE target with a header set, an include
# directory, C++20 and its dependencies; nothing else reaches a user's compiler.

set(OPTIFORM_COMPONENTS)  # those whose dependencies are present

# optiform_component(name [LINK target...] [FOLDERS folder...] [FILES file...] [EXCLUDE regex])
# Headers are all of FOLDERS and the FILES that exist, relative to include/optiform. The component
# is skipped with a message unless every linked target exists.
function(optiform_component name)
  cmake_parse_arguments(arg "" "EXCLUDE" "LINK;FOLDERS;FILES" ${ARGN})
  foreach(dependency IN LISTS arg_LINK)
    if(NOT TARGET ${dependency})
      message(STATUS "optiform: no component ${name}, since ${dependency} was not found")
      return()
    endif()
  endforeach()

  set(root ${PROJECT_SOURCE_DIR}/include)
  set(headers)
  foreach(file IN LISTS arg_FILES)
    file(GLOB found CONFIGURE_DEPENDS ${root}/optiform/${file})
    list(APPEND headers ${found})
  endforeach()
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS
      ${root}/optiform/${folder}/*.hpp ${root}/optiform/${folder}/*.cuh)
    list(APPEND headers ${found})
  endforeach()
  if(arg_EXCLUDE)
    list(FILTER headers EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()

  set(target optiform_${name})
  add_library(${target} INTERFACE)
  add_library(optiform::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_link_libraries(${target} INTERFACE ${arg_LINK})
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers})
  set(OPTIFORM_COMPONENTS ${OPTIFORM_COMPONENTS} ${name} PARENT_SCOPE)
endfunction()

find_package(Threads)
find_package(Eigen3 3.4 QUIET NO_MODULE)
find_package(xtensor QUIET)
find_package(nlohmann_json 3 QUIET)
find_package(CLI11 QUIET)
find_package(tomlplusplus QUIET)
find_package(SentencePiece QUIET)
find_package(OneDnn QUIET)
find_package(Cblas QUIET)
find_package(OpenMP QUIET COMPONENTS CXX)

# What a .cpp may know of the device backend needs no toolkit, so it is part of the core.
optiform_component(core
  FILES fwd.hpp optiform.hpp cuda/*.hpp
  FOLDERS core rules oracles depth weights policy environments
  EXCLUDE "environments/tabular/json\\.hpp$")
# Headers of io/ and training/ that need more belong to the component that brings it.
optiform_component(optiform
  LINK optiform::core Threads::Threads Eigen3::Eigen xtensor
  FILES cpu.hpp tabular.hpp rollout.hpp io/eigen.hpp io/xtensor.hpp io/npy.hpp FOLDERS cpu
  EXCLUDE "cpu/(openmp|gemm_onednn|gemm_cblas)\\.hpp$")
# The only component that brings a compiler flag: OpenMP's, to who asks for it.
optiform_component(openmp LINK optiform::optiform OpenMP::OpenMP_CXX FILES cpu/openmp.hpp)
# Matrix products by others.
optiform_component(onednn LINK optiform::optiform OneDnn::OneDnn FILES cpu/gemm_onednn.hpp)
optiform_component(cblas LINK optiform::optiform Cblas::Cblas FILES cpu/gemm_cblas.hpp)
optiform_component(io
  LINK optiform::core nlohmann_json::nlohmann_json
  FILES environments/tabular/json.hpp
  FOLDERS io EXCLUDE "/(eigen|xtensor|npy|[^/]*sentencepiece[^/]*)\\.hpp$")
optiform_component(sentencepiece
  LINK optiform::io SentencePiece::SentencePiece
  FILES io/*sentencepiece*.hpp training/*sentencepiece*.hpp)
optiform_component(training
  LINK optiform::io CLI11::CLI11 tomlplusplus::tomlplusplus
  FOLDERS training EXCLUDE "sentencepiece[^/]*$")

if(OPTIFORM_ENABLE_CUDA)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  optiform_component(cuda LINK optiform::core CUDA::cudart FILES cuda/*.cuh)
  # CMake 3.25 does not know C++20 for the newest nvcc.
  if(NOT "cuda_std_20" IN_LIST CMAKE_CUDA_COMPILE_FEATURES)
    target_compile_options(optiform_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
  endif()
endif()
