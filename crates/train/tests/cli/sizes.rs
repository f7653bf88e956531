//! Networks and tokenizers that are too large are refused before memory is allocated, and so are edited sizes in a run.

use crate::program::TestSandbox;

#[test]
fn enormous_networks_are_refused() {
    let sandbox = TestSandbox::with_waves();
    for hidden in ["1000000000", "9223372036854775807", "8,1000000000"] {
        let line = format!("forecast --config small.toml --hidden-size {hidden} --out run");
        sandbox.refused(&line, "--hidden-size: expected one or more values, each between 1 and 65536");
    }
    let line = "forecast --config small.toml --hidden-size 65536,65536 --out run";
    sandbox.refused(line, "the network: expected at most 500000000 parameters");
    let layers = vec!["8"; 65].join(",");
    sandbox.refused(
        &format!("forecast --config small.toml --hidden-size {layers} --out run"),
        "--hidden-size: expected at most 64 layers, found 65 layers",
    );
    assert!(!sandbox.path("run").exists());
}

#[test]
fn edited_sizes_are_compared_with_the_weights() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let config = sandbox.read("run/config.toml");
    for (sizes, error) in [
        ("[1000000000]", "--hidden-size: expected one or more values, each between 1 and 65536"),
        ("[65536, 65536]", "the network: expected at most 500000000 parameters"),
        ("[5000, 4000]", "expected the weights of this run, found 373 parameters in place of 244060001"),
    ] {
        sandbox.write("run/config.toml", config.replace("hidden_size = [6, 4]", &format!("hidden_size = {sizes}")));
        sandbox.refused("predict run", error);
        sandbox.refused("evaluate run", error);
        sandbox.refused("summary run", error);
    }
    sandbox.write("run/config.toml", &config);
    let weights = sandbox.bytes("run/weights.safetensors");
    for (length, error) in [(u64::MAX, "a header of 18446744073709551615 bytes"), (2, "EOF while parsing")] {
        let mut bytes = weights.clone();
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        sandbox.write("run/weights.safetensors", bytes);
        sandbox
            .refused("predict run", &format!("weights.safetensors: expected the weights of this run, found {error}"));
    }
}

#[test]
fn seeds_have_64_bits() {
    let sandbox = TestSandbox::with_waves();
    for seed in [1_u64 << 63, u64::MAX] {
        sandbox.ok(&format!("forecast --config small.toml --epochs 1 --seed {seed} --out run-{seed}"));
        let config = sandbox.read(&format!("run-{seed}/config.toml"));
        assert!(config.contains(&format!("seed = \"{seed}\"")), "{config}");
        sandbox.ok(&format!("resume run-{seed} --epochs 2"));
        sandbox.ok(&format!("forecast --config run-{seed}/config.toml --epochs 1 --out again-{seed}"));
    }
    let error = "--seed <N>': expected an integer from 0 to 18446744073709551615";
    let ran = sandbox.run("forecast --config small.toml --seed 18446744073709551616 --out run");
    assert!(ran.code == Some(2) && ran.stderr.contains(error), "{}", ran.stderr);
}

#[test]
fn hostile_tokenizers_are_refused() {
    let sandbox = TestSandbox::with_story();
    sandbox.write_tokenizer("good.json", "The ana eats bread");
    let good = sandbox.read("good.json");
    for (from, to, error) in [
        ("\"ana\":2", "\"ana\":1000000000", "ids below 1000000, found 1000000000"),
        ("{\"type\":\"Whitespace\"}", "{\"type\":\"FixedLength\",\"length\":0}", "a `length` of at least 1, found 0"),
        (
            "\"normalizer\":null",
            "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAEAAAAA\"}",
            "a valid `precompiled_charsmap`",
        ),
    ] {
        let hostile = good.replace(from, to);
        assert_ne!(hostile, good);
        sandbox.write("bad.json", &hostile);
        let line = "generate --config story.toml --tokenizer bad.json --out run";
        sandbox.refused(line, &format!("bad.json: expected a tokenizer.json of Hugging Face: {error}"));
        assert!(!sandbox.path("run").exists());
    }
    sandbox.ok("generate --config story.toml --epochs 1 --tokenizer good.json --out run");
    let saved = sandbox.read("run/tokenizer.json").replace("\"ana\":2", "\"ana\":1000000000");
    sandbox.write("run/tokenizer.json", saved);
    sandbox.refused("predict run --prompt The", "tokenizer.json: expected a saved tokenizer: ids below 1000000");
}
