# The Homebrew formula of userdrop {{version}}: put it into a tap's Formula folder.
class Userdrop < Formula
  desc "Drop a CSV of users into S3, and they arrive in Amazon Cognito"
  homepage "https://github.com/{{repository}}"
  version "{{version}}"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/userdrop_{{version}}_darwin_arm64.tar.gz"
      sha256 "{{sha256 darwin_arm64}}"
    end
    on_intel do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/userdrop_{{version}}_darwin_amd64.tar.gz"
      sha256 "{{sha256 darwin_amd64}}"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/userdrop_{{version}}_linux_arm64.tar.gz"
      sha256 "{{sha256 linux_arm64}}"
    end
    on_intel do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/userdrop_{{version}}_linux_amd64.tar.gz"
      sha256 "{{sha256 linux_amd64}}"
    end
  end

  def install
    bin.install "userdrop"
    doc.install "README.md", "docs"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/userdrop --version")
  end
end
